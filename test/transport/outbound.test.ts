import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Outbound } from '#src/transport/outbound.js'
import { Writer } from '#src/wire/writer.js'

function passwordRequest(password: string): Buffer {
  return new Writer()
    .byte(50)
    .string('deploy')
    .string('ssh-connection')
    .string('password')
    .boolean(false)
    .string(password)
    .finish()
}

function sizeOf(payload: Buffer): number {
  const outbound = new Outbound({ randomBytes })
  outbound.send(payload)
  return Buffer.concat(outbound.take()).length
}

test('the size of a packet tells the length of a password only in steps of 64 bytes', () => {
  for (const password of ['', 'a', 'secret', 'p'.repeat(100)]) assert.equal(sizeOf(passwordRequest(password)) % 64, 0)
  assert.equal(sizeOf(passwordRequest('')), sizeOf(passwordRequest('secret')))
})

test('any payload is padded with 4 to 255 bytes to a whole number of blocks', () => {
  for (let length = 1; length < 300; length++) {
    for (const number of [50, 94]) {
      const payload = Buffer.alloc(length, number)
      const outbound = new Outbound({ randomBytes })
      outbound.send(payload)
      const packet = Buffer.concat(outbound.take())
      assert.equal(packet.length % 8, 0)
      assert.equal(packet.readUInt32BE(0), packet.length - 4)
      const padding = packet.readUInt8(4)
      assert.ok(padding >= 4 && padding <= 255)
      assert.equal(packet.length, 5 + length + padding)
    }
  }
})

test('whoever writes is told once that there is something to take, until it is taken', () => {
  let told = 0
  const owner = { writable: () => void told++, unsealable: assert.ifError }
  const outbound = new Outbound({ randomBytes }, owner)
  const payload = Buffer.of(94)
  outbound.identify('SSH-2.0-x')
  outbound.send(payload)
  assert.equal(told, 1)
  assert.equal(outbound.take().length > 0, true)
  assert.equal(told, 1)
  outbound.send(payload)
  outbound.send(payload)
  assert.equal(told, 2)
})
