import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { connect } from 'holdfast'
import { startServer } from 'holdfast/testing'

test('a peer may speak before the known_hosts files have been read', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-early-'))
  const server = await startServer({ users: { deploy: { password: 'secret' } }, exec: () => 0 })
  t.after(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  const knownHosts = path.join(folder, 'known_hosts')
  writeFileSync(knownHosts, `${server.hostKey.knownHostsLine}\n`)

  const stream = connectSocket(server.port, server.host)
  await once(stream, 'readable')
  const { host, port } = server
  const hostKey = { knownHosts: [knownHosts] }
  const ssh = await connect({ host, port, username: 'deploy', password: 'secret', hostKey, stream })
  assert.equal((await ssh.exec('anything')).exitCode, 0)
  await ssh.close()
})
