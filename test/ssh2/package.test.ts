// What a program gets that imports or requires holdfast/ssh2 in place of ssh2.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as ours from 'holdfast/ssh2'
import type * as theirs from 'ssh2'
import { ed25519Pair } from '../support/ssh2-key-pair.js'

const require = createRequire(import.meta.url)
const original = require('ssh2') as typeof theirs
const required = require('holdfast/ssh2') as typeof ours

/** What TypeScript makes of `import ssh2 from 'ssh2'` in a CommonJS program. */
function imported(module: object): unknown {
  return Reflect.get(module, '__esModule') === true ? Reflect.get(module, 'default') : module
}

test('has every name that ssh2 has', () => {
  const missing = Object.keys(original).filter((name) => !(name in required))
  assert.deepEqual(missing, [])
  assert.deepEqual(
    Object.keys(original.utils).filter((name) => !(name in required.utils)),
    [],
  )
  assert.deepEqual(required.utils.sftp.STATUS_CODE, original.utils.sftp.STATUS_CODE)
  assert.deepEqual(required.utils.sftp.OPEN_MODE, original.utils.sftp.OPEN_MODE)
  for (const flags of ['r', 'r+', 'w', 'wx', 'xw', 'w+', 'a', 'ax', 'a+'] as const)
    assert.equal(required.utils.sftp.stringToFlags(flags), original.utils.sftp.stringToFlags(flags))
})

test('has every method and no other arguments of them', () => {
  const methods = Object.getOwnPropertyNames(original.Client.prototype).filter((name) => name !== 'constructor')
  assert.deepEqual(
    methods.filter((name) => typeof Reflect.get(ours.Client.prototype, name) !== 'function'),
    [],
  )
})

test('is the same whether it is imported or required, and by whichever way of compiled programs', () => {
  assert.equal(required.Client, ours.Client)
  assert.equal(ours.default.Client, ours.Client)
  assert.equal(Reflect.get(imported(required) as object, 'Client'), ours.Client)
})

test('leaves to ssh2 what is no client', () => {
  const server = new ours.Server({ hostKeys: [ed25519Pair().private] })
  assert.ok(server instanceof original.Server)
  assert.match(ours.utils.generateKeyPairSync('ed25519').private, /OPENSSH PRIVATE KEY/)
})

test('can be subclassed', () => {
  class Own extends ours.Client {
    readonly mark = 1
  }
  assert.ok(new Own() instanceof ours.Client)
  assert.equal(new Own().mark, 1)
})
