/** CVE-2008-5161: who alters packets must learn nothing of what they decrypt to, from no text and, with CBC, from no moment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { ciphers } from '#src/transport/ciphers.js'
import { Inbound } from '#src/transport/inbound.js'
import { macs } from '#src/transport/macs.js'
import { bytesFrom, frame, keysFor, seal } from '../transport/support.js'

const step = 1000
const longest = 4 + 256 * 1024 + 64

interface Refusal {
  readonly error: HoldfastError
  /** How many bytes had been read by then. */
  readonly bytes: number
}

/** What comes of a packet with one byte altered, and of whatever its sender sends after it. */
function refusalOf(cipherName: string, macName: string | undefined, alteredAt: number): Refusal {
  const cipher = ciphers.get(cipherName)
  const mac = macName === undefined ? undefined : macs.get(macName)
  assert.ok(cipher !== undefined)
  const inbound = new Inbound({ identified: () => {}, packet: () => assert.fail('it was taken') })
  inbound.receive(Buffer.from('SSH-2.0-x\r\n'))
  const keys = keysFor(cipher, mac)
  inbound.switchKeys(cipher.opener(keys, mac), { resetSequence: true })
  const sealer = cipher.sealer(keys, mac)
  const wire = seal(sealer, 0, frame(bytesFrom('payload', 500), sealer))
  wire.writeUInt8(wire.readUInt8(alteredAt) ^ 0xff, alteredAt)
  const bytes = Buffer.concat([wire, bytesFrom('more', 2 * longest)])
  for (let at = 0; at < bytes.length; at += step) {
    try {
      inbound.receive(bytes.subarray(at, at + step))
    } catch (error) {
      assert.ok(error instanceof HoldfastError)
      return { error, bytes: at + step }
    }
  }
  throw new Error('it was never refused')
}

const hidden = [
  ['chacha20-poly1305@openssh.com', undefined],
  ['aes128-ctr', 'hmac-sha2-256'],
  ['aes128-cbc', 'hmac-sha2-256'],
  ['3des-cbc', 'hmac-sha2-256'],
] as const

for (const [cipher, mac] of hidden) {
  test(`${cipher}: a length that is none is refused as a wrong MAC is, without a word of what it decrypted to`, () => {
    const [length, body] = [0, 100].map((at) => refusalOf(cipher, mac, at).error)
    assert.equal(length?.code, 'ERR_SSH_PROTOCOL')
    assert.equal(length?.message, body?.message)
  })
}

for (const cipher of ['aes256-cbc', '3des-cbc']) {
  test(`${cipher}: as much is read of every altered packet before the connection ends, and no more than one may have`, () => {
    const sizes = [0, 1, 2, 3, 20, 100, 520].map((at) => refusalOf(cipher, 'hmac-sha2-256', at).bytes)
    assert.deepEqual(new Set(sizes).size, 1, sizes.join(' '))
    assert.ok((sizes[0] ?? 0) > 256 * 1024 && (sizes[0] ?? 0) <= longest + step, sizes.join(' '))
  })
}

test('where the length goes in the clear, its refusal says what it was, and at once', () => {
  const { error, bytes } = refusalOf('aes128-gcm@openssh.com', undefined, 0)
  assert.match(error.message, /^packet 0: length is \d+/)
  assert.equal(bytes, step)
})
