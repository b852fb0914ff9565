import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import type { Client, Forward, HoldfastError } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { type DropbearVersion, prepareDropbear, startDropbear } from '../servers/dropbear.js'
import { login } from '../session/sshd.js'
import { closed, closedPort, countBytes, tcpServer } from './local-servers.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 45_000

async function dropbear(t: TestContext, version: DropbearVersion, ...args: readonly string[]): Promise<Client> {
  const server = await startDropbear({ version, args })
  t.after(() => server.stop())
  return login(t, server)
}

async function ask({ address }: Forward, bytes: number): Promise<string> {
  const { host = '', port = 0 } = address
  return text(net.connect({ host, port, allowHalfOpen: true }).end(randomBytes(bytes)))
}

for (const version of ['2022.83', '2025'] as const) {
  const skip = skipReason(await prepareDropbear(version))

  describe(`tunnels on dropbear ${version}`, { skip }, () => {
    test('lead from here to there, with an end in each direction', { timeout }, async (t) => {
      const ssh = await dropbear(t, version)
      const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
      const tunnel = await ssh.connectTo(to)
      assert.equal(await text(tunnel.end(randomBytes(3_000_000))), '3000000 bytes')
      const forward = await ssh.forwardLocal({ to })
      assert.deepEqual(await Promise.all([ask(forward, 1_000_000), ask(forward, 7)]), ['1000000 bytes', '7 bytes'])
      while (forward.connections > 0 || ssh.stats().channels.length > 0) await ssh.keepalive.send()
      assert.equal(forward.stats().failed, 0)
    })

    test('lead from there to here, until they are given up', { timeout }, async (t) => {
      const ssh = await dropbear(t, version)
      const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
      const forward = await ssh.forwardRemote({ to })
      const other = await ssh.forwardRemote({ to })
      assert.deepEqual(await Promise.all([ask(forward, 1_000_000), ask(other, 7)]), ['1000000 bytes', '7 bytes'])
      await forward.close()
      // It listens on, whatever it is asked: up to 2025.89 it finds no place that it is to give up.
      assert.equal(await ask(forward, 0), '')
      assert.deepEqual([forward.stats().accepted, other.stats().accepted], [1, 1])
      assert.equal(await ask(other, 5), '5 bytes')
    })

    test('fail alone where it refuses or cannot', { timeout }, async (t) => {
      const ssh = await dropbear(t, version, '-j', '-k')
      const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
      await assert.rejects(ssh.connectTo(to), { code: 'ERR_SSH_CHANNEL_OPEN' })
      await assert.rejects(ssh.forwardRemote({ to }), { code: 'ERR_SSH_REQUEST_REFUSED' })
      const open = await dropbear(t, version)
      const nowhere = { host: '127.0.0.1', port: await closedPort() }
      await assert.rejects(open.connectTo(nowhere), { code: 'ERR_SSH_CHANNEL_OPEN' })
      const remote = await open.forwardRemote({ listen: { port: await closedPort() }, to: nowhere })
      const failure = once(remote, 'failure')
      const { host = '', port = 0 } = remote.address
      await closed(
        net
          .connect({ host, port })
          .on('error', () => {})
          .resume(),
      )
      const [error] = (await failure) as [HoldfastError]
      assert.equal(error.code, 'ERR_SSH_CONNECT')
      for (const client of [ssh, open]) assert.equal((await client.exec('echo alive')).stdout, 'alive\n')
    })
  })
}
