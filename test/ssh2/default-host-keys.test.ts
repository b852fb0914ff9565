// What the defaults of a policy say of host keys, for programs that say nothing: it is written before the first connection.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setDefaults } from 'holdfast'
import { server } from '../promises/support/embedded.js'
import { localLine } from '../support/enforced-known-hosts.js'
import { writePolicy } from '../support/policy.js'
import { refusal, refusalCode } from './refusal.js'

const knownHostsIn = (folder: string) => path.join(folder, 'known_hosts')
const { folder } = writePolicy((at) => ({
  hosts: [{ match: 'localhost', defaults: { hostKey: { knownHosts: [knownHostsIn(at)] } } }],
}))
const knownHosts = knownHostsIn(folder)

test('they hold where the program has no verifier, and nowhere else', { timeout: 60_000 }, async (t) => {
  const started = await server(t)
  const { port } = started
  writeFileSync(knownHosts, '')
  assert.equal(await refusalCode({ host: 'localhost', port }), 'ERR_SSH_HOST_KEY_UNKNOWN')
  assert.equal(await refusalCode({ host: 'localhost', port, hostVerifier: () => true }), undefined)
  assert.equal(await refusalCode({ host: '127.0.0.1', port }), undefined)
  writeFileSync(knownHosts, `${localLine(started)}\n`)
  assert.equal(await refusalCode({ host: 'localhost', port }), undefined)
})

test('what only ssh2 has is refused where they hold, since it would accept every key', {
  timeout: 60_000,
}, async (t) => {
  const { port } = await server(t)
  const lacking = { port, algorithms: { compress: ['zlib'] } } as const
  const refused = await refusal({ ...lacking, host: 'localhost' })
  assert.match(String(refused?.message), /compress: zlib.*accept every host key.*policy\.json:/)
  assert.equal(await refusalCode({ ...lacking, host: 'localhost' }), 'ERR_SSH_POLICY')
  // That server has no compression, as ssh2 itself says then.
  assert.equal(await refusalCode({ ...lacking, host: 'localhost', hostVerifier: () => true }), undefined)
  assert.equal(await refusalCode({ ...lacking, host: '127.0.0.1' }), undefined)
  t.after(() => setDefaults({}))
  setDefaults({ hostKey: { policy: 'off' } })
  assert.equal(await refusalCode({ ...lacking, host: '127.0.0.1' }), undefined)
  setDefaults({ hostKey: { policy: 'strict' } })
  assert.equal(await refusalCode({ ...lacking, host: '127.0.0.1' }), 'ERR_SSH_POLICY')
})
