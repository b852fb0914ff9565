// What the defaults of a policy say of host keys, for programs that say nothing: it is written before the first connection.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'
import { Client, type ConnectConfig } from 'holdfast/ssh2'
import { server } from '../promises/support/embedded.js'
import { localLine } from '../support/enforced-known-hosts.js'

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-default-hosts-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const knownHosts = path.join(folder, 'known_hosts')
const policy = path.join(folder, 'policy.json')
const hosts = [{ match: 'localhost', defaults: { hostKey: { knownHosts: [knownHosts] } } }]
writeFileSync(policy, JSON.stringify({ hosts }), { mode: 0o644 })
process.env['HOLDFAST_POLICY'] = policy

/** Why it does not connect; undefined where it does. */
async function refusal(config: ConnectConfig): Promise<unknown> {
  const client = new Client()
  const closed = new Promise<void>((resolve) => void client.once('close', () => resolve()))
  let cause: unknown
  client.on('error', (error) => (cause = error.cause))
  client.once('ready', () => client.end())
  client.connect({ username: 'deploy', password: 'secret', ...config })
  await closed
  return cause instanceof Error && 'code' in cause ? cause.code : cause
}

test('they hold where the program has no verifier, and nowhere else', { timeout: 60_000 }, async (t) => {
  const started = await server(t)
  const { port } = started
  writeFileSync(knownHosts, '')
  assert.equal(await refusal({ host: 'localhost', port }), 'ERR_SSH_HOST_KEY_UNKNOWN')
  assert.equal(await refusal({ host: 'localhost', port, hostVerifier: () => true }), undefined)
  assert.equal(await refusal({ host: '127.0.0.1', port }), undefined)
  writeFileSync(knownHosts, `${localLine(started)}\n`)
  assert.equal(await refusal({ host: 'localhost', port }), undefined)
})
