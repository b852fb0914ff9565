/** What Node's permission model refuses a program. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { startServer } from 'holdfast/testing'
import { folderServer } from '../sftp/folder-server.js'

const timeout = 60_000

const root = join(import.meta.dirname, '../../../')

const flags = ['--permission', '--allow-net'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
if (!flags.includes('--permission')) flags.push('--experimental-permission')

const program = `
  import { connect, HoldfastError } from 'holdfast'
  const [options, source, target] = JSON.parse(process.env.TOLD)
  const show = (error) => [error instanceof HoldfastError, error.code, error.cause?.code, error.message, error.hint]
  const ssh = await connect(options)
  const sftp = await ssh.sftp()
  const fetched = await sftp.get(source, target).then(() => 'fetched', show)
  await ssh.close()
  const attempt = (further) => connect({ ...options, ...further }).then(() => 'connected', show)
  const configured = await attempt({ config: true })
  const proxied = await attempt({ proxyCommand: 'nc %h %p' })
  const trusting = await attempt({ hostKey: { knownHosts: [process.env.FORBIDDEN] } })
  console.log(JSON.stringify({ fetched, configured, proxied, trusting }))`

async function restricted(t: TestContext): Promise<Record<string, readonly unknown[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-permission-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'file'), 'contents')
  const subsystems = { sftp: folderServer(folder) }
  const server = await startServer({ users: { deploy: { password: 'secret' } }, subsystems })
  t.after(() => server.close())
  const { host, port, hostKey } = server
  const trust = { hostKey: { fingerprints: [hostKey.fingerprint], knownHosts: [] }, agent: false }
  const told = [{ host, port, username: 'deploy', password: 'secret', ...trust }, '/file', join(folder, 'copy')]
  const readable = [root, '/etc/holdfast/policy.json'].map((path) => `--allow-fs-read=${path}`)
  const args = [...flags, ...readable, '--input-type=module', '--eval', program]
  const env = { ...process.env, NODE_OPTIONS: '', TOLD: JSON.stringify(told), FORBIDDEN: join(folder, 'none') }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout })
  return JSON.parse(stdout) as Record<string, readonly unknown[]>
}

test('what it refuses is an error of ours, with that of Node', { timeout }, async (t) => {
  const { fetched = [], configured = [], proxied = [], trusting = [] } = await restricted(t)
  assert.deepEqual(fetched.slice(0, 3), [true, 'ERR_SSH_SFTP_LOCAL', 'ERR_ACCESS_DENIED'])
  assert.deepEqual(configured.slice(0, 3), [true, 'ERR_SSH_UNSUPPORTED', 'ERR_ACCESS_DENIED'])
  assert.match(String(configured[4]), /--allow-child-process/)
  assert.deepEqual(proxied.slice(0, 3), [true, 'ERR_SSH_OPTION', 'ERR_ACCESS_DENIED'])
  assert.match(String(proxied[4]), /--allow-child-process/)
  assert.deepEqual(trusting.slice(0, 3), [true, 'ERR_SSH_KNOWN_HOSTS', 'ERR_ACCESS_DENIED'])
})
