import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { test } from 'node:test'
import { aes128Gcm } from '#src/transport/aes-gcm.js'
import { bytesFrom, frame, seal } from './support.js'

const key = bytesFrom('key', 16)

/** What the packet holds, by node:crypto alone. @throws where it was sealed with another nonce */
function opened(wire: Buffer, nonce: string): Buffer {
  const decipher = createDecipheriv('aes-128-gcm', key, Buffer.from(nonce, 'hex'))
  decipher.setAAD(wire.subarray(0, 4))
  decipher.setAuthTag(wire.subarray(-16))
  return Buffer.concat([decipher.update(wire.subarray(4, -16)), decipher.final()])
}

function sealerFrom(iv: string) {
  const sealer = aes128Gcm.sealer({ key, iv: Buffer.from(iv, 'hex'), macKey: Buffer.alloc(0) }, undefined)
  return (text: string) => {
    const packet = frame(Buffer.from(text), sealer)
    const plain = Buffer.from(packet.subarray(4))
    return { plain, wire: seal(sealer, 0, packet) }
  }
}

test('each packet has the nonce that is due, where its lower half is used up as well', () => {
  const sealed = sealerFrom('aaaaaaaa00000001fffffffe')
  const nonces = [
    'aaaaaaaa00000001fffffffe',
    'aaaaaaaa00000001ffffffff',
    'aaaaaaaa0000000200000000',
    'aaaaaaaa0000000200000001',
  ]
  for (const nonce of nonces) {
    const { plain, wire } = sealed(nonce)
    assert.deepEqual(opened(wire, nonce), plain)
  }
})

test('connections that take turns have a nonce of their own each', () => {
  const ours = sealerFrom('aaaaaaaa0000000000000000')
  const others = sealerFrom('bbbbbbbb00000000000000f0')
  for (const turn of [0, 1, 2, 3]) {
    const mine = ours('mine')
    const other = others('the other')
    assert.deepEqual(opened(mine.wire, `aaaaaaaa000000000000000${turn}`), mine.plain)
    assert.deepEqual(opened(other.wire, `bbbbbbbb00000000000000f${turn}`), other.plain)
  }
})
