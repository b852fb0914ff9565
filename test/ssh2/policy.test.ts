// What is left to ssh2 itself knows nothing of a policy: the policy of this process is written before its first connection.
import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import type { ConnectConfig } from 'holdfast/ssh2'
import { server } from '../promises/support/embedded.js'
import { writePolicy } from '../support/policy.js'
import { refusal } from './refusal.js'

writePolicy(() => ({ hosts: [{ match: '127.0.0.1', enforced: { limits: { timeout: '10m' } } }] }))

/** Compression, which Holdfast does not have. */
const lacking: ConnectConfig = { algorithms: { compress: ['zlib'] } }

test('is refused where a policy enforces anything, and else said to be unprotected', { timeout: 60_000 }, async (t) => {
  const { port } = await server(t)
  const warnings: string[] = []
  const warned = ({ name, message }: Error) => void (name === 'HoldfastWarning' && warnings.push(message))
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const bound = await refusal({ ...lacking, host: '127.0.0.1', port })
  assert.ok(bound !== undefined)
  assert.match(bound.message, /compress: zlib.*policy enforces.*policy\.json:/)
  assert.equal((bound.cause as { code: string }).code, 'ERR_SSH_POLICY')
  assert.deepEqual(warnings, [])
  const free = await refusal({ ...lacking, host: 'localhost', port })
  assert.ok(free !== undefined)
  assert.doesNotMatch(free.message, /policy/)
  assert.match(warnings.join(), /left to ssh2 itself/)
})
