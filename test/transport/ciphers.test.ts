import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CipherSpec } from '#src/transport/cipher.js'
import { ciphers } from '#src/transport/ciphers.js'
import type { MacSpec } from '#src/transport/mac.js'
import { macs } from '#src/transport/macs.js'
import { bytesFrom, frame, keysFor, open, seal } from './support.js'

interface Pair {
  readonly cipher: CipherSpec
  readonly mac: MacSpec | undefined
}

const pairs: readonly Pair[] = [...ciphers.values()].flatMap((cipher): Pair[] =>
  cipher.aead ? [{ cipher, mac: undefined }] : [...macs.values()].map((mac) => ({ cipher, mac })),
)
const sizes = [1, 7, 8, 11, 12, 13, 27, 100, 1000, 32768]
const lastSequence = 2 ** 32 - 1
const sequences = [...Array(300).keys(), lastSequence - 1, lastSequence, 0, 1]

for (const { cipher, mac } of pairs) {
  describe(`${cipher.name} ${mac?.name ?? ''}`, () => {
    const keys = keysFor(cipher, mac)

    test('opens what it sealed, packet after packet and where sequence numbers wrap', () => {
      const sealer = cipher.sealer(keys, mac)
      const opener = cipher.opener(keys, mac)
      for (const [index, sequence] of sequences.entries()) {
        const payload = bytesFrom(`payload ${index}`, sizes[index % sizes.length] ?? 1)
        const packet = frame(payload, sealer)
        const plain = packet.subarray(4)
        const expected = Buffer.from(plain)
        const wire = seal(sealer, sequence, packet)
        assert.equal(wire.length, packet.length + sealer.tagBytes)
        assert.deepEqual(open(opener, sequence, wire), expected)
      }
    })

    test('shows nothing of the payload on the wire', () => {
      const sealer = cipher.sealer(keys, mac)
      const payload = Buffer.alloc(64, 'secret')
      assert.equal(seal(sealer, 0, frame(payload, sealer)).includes('secret'), false)
    })

    test('refuses every flipped bit', () => {
      const wire = sealOne()
      for (let bit = 0; bit < wire.length * 8; bit++) {
        const altered = Buffer.from(wire)
        altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const opener = cipher.opener(keys, mac)
        opener.length(7, altered.subarray(0, opener.headBytes))
        assert.throws(
          () => opener.open(7, altered),
          { code: 'ERR_SSH_PROTOCOL', message: /^packet 7: MAC/ },
          `bit ${bit}`,
        )
      }
    })

    test('refuses a packet under other keys, and one that comes again', () => {
      const wire = sealOne()
      const other = cipher.opener(keysFor(cipher, mac, 'other'), mac)
      other.length(7, wire.subarray(0, other.headBytes))
      assert.throws(() => other.open(7, wire), { code: 'ERR_SSH_PROTOCOL' })

      const opener = cipher.opener(keys, mac)
      open(opener, 7, wire)
      opener.length(8, wire.subarray(0, opener.headBytes))
      assert.throws(() => opener.open(8, wire), { code: 'ERR_SSH_PROTOCOL' })
    })

    function sealOne(): Buffer {
      const sealer = cipher.sealer(keys, mac)
      return seal(sealer, 7, frame(Buffer.from('one packet'), sealer))
    }
  })
}

test('the limit before a rekey is 2^(L/4) blocks, or 1 GiB where blocks are short', () => {
  for (const { name, rekeyBytes } of ciphers.values()) {
    assert.equal(rekeyBytes, name.startsWith('aes') ? 64 * 2 ** 30 : 2 ** 30, name)
  }
})
