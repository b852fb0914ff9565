import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { generatePrivateKey } from '#src/keys/private-key.js'

const data = Buffer.from('what is signed')

test('keys of every type sign for their public half', () => {
  for (const type of [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'ssh-rsa',
  ] as const) {
    const key = generatePrivateKey(type, 'its name')
    assert.equal(key.publicKey.type, type)
    assert.equal(key.comment, 'its name')
    for (const algorithm of key.publicKey.signatureAlgorithms) {
      assert.ok(key.publicKey.verify(algorithm, data, key.sign(algorithm, data)), algorithm)
    }
  }
})

test('keys are made while garbage is collected', () => {
  const module = JSON.stringify(import.meta.resolve('#src/keys/private-key.js'))
  const program = `
    const { generatePrivateKey } = await import(${module})
    for (let made = 0; made < 6000; made++) generatePrivateKey('ssh-ed25519')
  `
  // Whatever V8 allocates for Node, each 97th time it looks for garbage first: so also within an export of a key.
  const args = ['--gc-interval=97', '--input-type=module', '--eval', program]
  const { status, signal, stderr } = spawnSync(process.execPath, args, { timeout: 90_000, encoding: 'utf8' })
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
})
