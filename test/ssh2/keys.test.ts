import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as ours from 'holdfast/ssh2'
import type * as theirs from 'ssh2'
import { readablePair } from '../support/ssh2-key-pair.js'

const original = createRequire(import.meta.url)('ssh2') as typeof theirs
const kinds = [
  ['ed25519', {}],
  ['rsa', { bits: 2048 }],
  ['ecdsa', { bits: 256 }],
  ['ecdsa', { bits: 384 }],
  ['ecdsa', { bits: 521 }],
] as const

function parsed(
  parse: (data: string, passphrase?: string) => unknown,
  text: string,
  passphrase?: string,
): ours.ParsedKey {
  const key = parse(text, passphrase)
  assert.ok(!(key instanceof Error), String(key))
  return key as ours.ParsedKey
}

for (const [kind, options] of kinds) {
  test(`parseKey reads ${kind} ${JSON.stringify(options)} as ssh2 does`, () => {
    for (const passphrase of [undefined, 'secret']) {
      const lock = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-ctr', rounds: 2 }
      const pair = readablePair(
        () => original.utils.generateKeyPairSync(kind as 'rsa', { ...options, ...lock, comment: 'its name' } as never),
        passphrase,
      )
      const [mine, other] = [
        parsed(ours.utils.parseKey, pair.private, passphrase),
        parsed(original.utils.parseKey, pair.private, passphrase),
      ]
      for (const method of ['getPublicSSH', 'getPublicPEM', 'isPrivateKey'] as const)
        assert.deepEqual(mine[method](), other[method](), method)
      const [mineOpen, otherOpen] = [mine, other].map((key) => createPrivateKey(key.getPrivatePEM() ?? ''))
      assert.deepEqual(mineOpen?.export({ format: 'jwk' }), otherOpen?.export({ format: 'jwk' }))
      assert.deepEqual([mine.type, mine.comment], [other.type, other.comment])
      const data = Buffer.from('what is signed')
      const [signed, signedThere] = [mine.sign(data), other.sign(data)]
      assert.ok(Buffer.isBuffer(signed) && Buffer.isBuffer(signedThere))
      assert.equal(other.verify(data, signed), true)
      assert.equal(mine.verify(data, signedThere), true)
      assert.equal(mine.verify(Buffer.from('other'), signedThere), false)
      const open = parsed(ours.utils.parseKey, pair.public)
      assert.deepEqual([open.isPrivateKey(), open.getPrivatePEM()], [false, null])
      assert.ok(open.getPublicSSH().equals(mine.getPublicSSH()))
      if (passphrase === undefined) continue
      assert.ok(ours.utils.parseKey(pair.private, 'wrong') instanceof Error)
      const missing = ours.utils.parseKey(pair.private)
      assert.ok(missing instanceof Error)
      assert.equal(missing.message, (original.utils.parseKey(pair.private) as Error).message)
    }
  })
}

test('parseKey gives an Error for what is no key', () => {
  for (const data of ['', 'no key', Buffer.alloc(3), 5, undefined])
    assert.ok(ours.utils.parseKey(data) instanceof Error)
})
