import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipReason } from './availability.js'
import { preparePhp, runPhp } from './php.js'

const skip = skipReason(await preparePhp())

test('PHP with its ssh2 extension runs', { skip }, async () => {
  const { stdout } = await runPhp('-r', ["echo phpversion('ssh2'), ' ', count(get_extension_funcs('ssh2'));"])
  assert.equal(stdout, '1.3.1 34')
})
