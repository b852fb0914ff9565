// What is left to ssh2 itself knows nothing of a policy: the policy of this process is written before its first connection.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'
import { Client, type ConnectConfig } from 'holdfast/ssh2'
import { server } from '../promises/support/embedded.js'

const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-ssh2-policy-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const file = path.join(directory, 'policy.json')
writeFileSync(
  file,
  JSON.stringify({ hosts: [{ match: '127.0.0.1', enforced: { limits: { timeout: '10m' } } }] }, undefined, 2),
  { mode: 0o644 },
)
process.env['HOLDFAST_POLICY'] = file

/** Compression, which Holdfast does not have. */
const lacking: ConnectConfig = { username: 'deploy', password: 'secret', algorithms: { compress: ['zlib'] } }

test('is refused where a policy enforces anything, and else said to be unprotected', { timeout: 60_000 }, async (t) => {
  const { port } = await server(t)
  const warnings: string[] = []
  const warned = ({ name, message }: Error) => void (name === 'HoldfastWarning' && warnings.push(message))
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const bound = await refusal({ ...lacking, host: '127.0.0.1', port })
  assert.match(bound.message, /compress: zlib.*policy enforces.*policy\.json:/)
  assert.equal((bound.cause as { code: string }).code, 'ERR_SSH_POLICY')
  assert.deepEqual(warnings, [])
  const free = await refusal({ ...lacking, host: 'localhost', port })
  assert.doesNotMatch(free.message, /policy/)
  assert.match(warnings.join(), /left to ssh2 itself/)
})

/** Why it does not connect, once all is over. */
async function refusal(config: ConnectConfig): Promise<Error> {
  const client = new Client()
  const closed = new Promise<void>((resolve) => void client.once('close', () => resolve()))
  client.connect(config)
  const [error] = (await once(client, 'error')) as [Error]
  client.on('error', () => {})
  await closed
  return error
}
