import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Duplex } from 'node:stream'
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

test('a server of another kind that waits for us is quoted', async () => {
  for (const [greeting, quoted] of [
    ['220 mail ESMTP\r\n', '"220 mail ESMTP"'],
    ['', 'nothing'],
  ]) {
    const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, taken) => taken() })
    stream.push(greeting)
    const hostKey = { policy: 'off' } as const
    const connecting = connect('deploy@host', { stream, hostKey, password: 'x', limits: { identification: 50 } })
    const message = `the identification of the peer (so far it said ${quoted}) did not come within the limit identification of 50 ms`
    await assert.rejects(connecting, { code: 'ERR_SSH_TIMEOUT', limit: 'identification', message })
  }
})
