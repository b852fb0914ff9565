import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { parsePublicKeyLine } from '#src/keys/public-key-line.js'

const { publicKey } = generatePrivateKey('ssh-ed25519')
const base64 = publicKey.blob.toString('base64')

test('a line with and without options and comment', () => {
  const plain = parsePublicKeyLine(`ssh-ed25519 ${base64}\n`)
  assert.deepEqual([plain.key.blob, plain.comment, plain.options], [publicKey.blob, '', ''])
  const commented = parsePublicKeyLine(`  ssh-ed25519\t${base64} me at home`)
  assert.equal(commented.comment, 'me at home')
  const options = 'no-pty,command="echo \\"a b\\" c",from="10.0.0.*"'
  assert.equal(parsePublicKeyLine(`${options} ssh-ed25519 ${base64} me`).options, options)
})

test('what is wrong with a line is said', () => {
  const cases: readonly [string, RegExp][] = [
    ['', /no known key type/],
    ['ssh-dss AAAA', /DSA/],
    [`ssh-rsa ${base64}`, /said to be ssh-rsa, but is ssh-ed25519/],
    [`ssh-ed25519 ${base64.slice(0, -1)}`, /not valid base64/],
    [`ssh-ed25519 ${base64.slice(0, 40)}`, /public key needs 32 bytes/],
  ]
  for (const [line, message] of cases) {
    assert.throws(() => parsePublicKeyLine(line, 'id.pub'), { code: 'ERR_SSH_KEY', message })
  }
})

test('no line makes it throw anything else', () => {
  const words = fc.constantFrom('ssh-ed25519', base64, 'a="b c"', '"', '\\', ' ', 'AAAA', '\t', '\0')
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 8 }), (parts) => {
      try {
        parsePublicKeyLine(parts.join(' '))
      } catch (error) {
        assert.ok(error instanceof HoldfastError && error.code === 'ERR_SSH_KEY')
      }
    }),
  )
})
