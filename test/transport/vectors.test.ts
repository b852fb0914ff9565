import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import * as v from 'valibot'
import type { CipherSpec } from '#src/transport/cipher.js'
import { ciphers } from '#src/transport/ciphers.js'
import { Mac, type MacSpec } from '#src/transport/mac.js'
import { macs } from '#src/transport/macs.js'
import { hex, readVectors } from '../support/vectors.js'
import { open, seal } from './support.js'

describe('the ciphers and MACs give the values of their standards', () => {
  const vectors = readVectors(
    'ciphers',
    v.object({
      hmac: v.array(v.object({ key: v.string(), data: v.string(), sha256: v.string(), sha512: v.string() })),
      aesCtr: v.object({
        iv: v.string(),
        plain: v.string(),
        ciphers: v.array(v.object({ name: v.string(), key: v.string(), encrypted: v.string() })),
      }),
      chacha20: v.object({ block0: v.string(), block1: v.string(), block0OfNonce2: v.string() }),
    }),
  )

  test('HMAC-SHA-256 and HMAC-SHA-512, the sequence number being the first four bytes', () => {
    for (const { key, data, sha256, sha512 } of vectors.hmac) {
      const bytes = hex(data)
      const tagOf = (name: string): string =>
        new Mac(macNamed(name), hex(key)).of(bytes.readUInt32BE(0), bytes.subarray(4)).toString('hex')
      assert.equal(tagOf('hmac-sha2-256'), sha256)
      assert.equal(tagOf('hmac-sha2-512'), sha512)
    }
  })

  test('AES in counter mode', () => {
    const { iv, plain, ciphers: each } = vectors.aesCtr
    const mac = macNamed('hmac-sha2-256')
    for (const { name, key, encrypted } of each) {
      const keys = { key: hex(key), iv: hex(iv), macKey: Buffer.alloc(mac.keyBytes) }
      const sealer = cipherNamed(name).sealer(keys, mac)
      assert.equal(seal(sealer, 0, hex(plain)).subarray(0, 64).toString('hex'), encrypted)
    }
  })

  test('ChaCha20: block 0 keys the MAC, block 1 begins the body, the sequence number is the nonce', () => {
    const { block0, block1, block0OfNonce2 } = vectors.chacha20
    const keys = { key: Buffer.alloc(64), iv: Buffer.alloc(0), macKey: Buffer.alloc(0) }
    const sealer = cipherNamed('chacha20-poly1305@openssh.com').sealer(keys, undefined)
    const zeros = Buffer.alloc(4 + 64)
    const sealed = Buffer.concat([hex(block0).subarray(0, 4), hex(block1)])
    const tag = poly1305(sealed, hex(block0).subarray(0, 32))
    assert.deepEqual(seal(sealer, 0, zeros), Buffer.concat([sealed, tag]))
    assert.deepEqual(seal(sealer, 2, zeros).subarray(0, 4), hex(block0OfNonce2).subarray(0, 4))
  })
})

describe('packets are as another implementation makes them', () => {
  const { vectors } = readVectors(
    'packets',
    v.object({
      vectors: v.array(
        v.object({
          cipher: v.string(),
          mac: v.optional(v.string()),
          key: v.string(),
          iv: v.string(),
          macKey: v.string(),
          firstSequence: v.number(),
          packets: v.array(v.object({ packet: v.string(), wire: v.string() })),
        }),
      ),
    }),
  )

  for (const vector of vectors) {
    test(`${vector.cipher} ${vector.mac ?? ''}`, () => {
      const cipher = cipherNamed(vector.cipher)
      const mac = vector.mac === undefined ? undefined : macNamed(vector.mac)
      const keys = { key: hex(vector.key), iv: hex(vector.iv), macKey: hex(vector.macKey) }
      const sealer = cipher.sealer(keys, mac)
      const opener = cipher.opener(keys, mac)
      for (const [index, { packet, wire }] of vector.packets.entries()) {
        const sequence = (vector.firstSequence + index) % 2 ** 32
        assert.equal(seal(sealer, sequence, hex(packet)).toString('hex'), wire)
        assert.equal(open(opener, sequence, hex(wire)).toString('hex'), packet.slice(8))
      }
    })
  }

  test('every cipher and every MAC is among them', () => {
    assert.deepEqual(new Set(vectors.map(({ cipher }) => cipher)), new Set(ciphers.keys()))
    assert.deepEqual(new Set(vectors.flatMap(({ mac }) => mac ?? [])), new Set(macs.keys()))
  })
})

function cipherNamed(name: string): CipherSpec {
  const cipher = ciphers.get(name)
  assert.ok(cipher !== undefined, name)
  return cipher
}

function macNamed(name: string): MacSpec {
  const mac = macs.get(name)
  assert.ok(mac !== undefined, name)
  return mac
}
