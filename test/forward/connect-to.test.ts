import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { callbackify } from 'node:util'
import type { Client, HoldfastError, TunnelTarget } from 'holdfast'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { closed, closedPort, countBytes, echo, tcpServer, unixServer, userFolder } from './local-servers.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 40_000

/** As docs/tunnels.md shows it. */
class TunnelAgent extends http.Agent {
  opened = 0
  readonly #ssh: Client

  constructor(ssh: Client) {
    super({ keepAlive: true })
    this.#ssh = ssh
  }

  override createConnection(
    { host, port }: http.ClientRequestArgs,
    done: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.opened++
    const open = callbackify((target: TunnelTarget) => this.#ssh.connectTo(target, { allowHalfOpen: false }))
    open({ host: host ?? '', port: Number(port) }, done)
    return undefined
  }
}

async function get(port: number, agent: http.Agent, body: string): Promise<string> {
  const request = http.request({ host: '127.0.0.1', port, agent, method: 'POST' }).end(body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return text(response)
}

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`connectTo() on sshd ${version}`, { skip }, () => {
    test('is a stream with an end of its own in each direction', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const port = await tcpServer(t, countBytes)
      const tunnel = await ssh.connectTo({ host: '127.0.0.1', port })
      assert.deepEqual([tunnel.remoteAddress, tunnel.remotePort, tunnel.allowHalfOpen], ['127.0.0.1', port, true])
      const connected = once(tunnel, 'connect')
      tunnel.connect(port, '127.0.0.1').setNoDelay(true).setKeepAlive(true)
      await connected
      tunnel.end(randomBytes(5_000_000))
      assert.equal(await text(tunnel), '5000000 bytes')
      await closed(tunnel)
      assert.deepEqual([tunnel.bytesWritten, tunnel.errored, ssh.stats().channels], [5_000_000, null, []])
    })

    test('carries megabytes both ways at once, no faster than they are read', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const tunnel = await ssh.connectTo({ host: '127.0.0.1', port: await tcpServer(t, echo) })
      const bytes = randomBytes(12_000_000)
      tunnel.end(bytes)
      await once(tunnel, 'readable')
      const [channel] = ssh.stats().channels
      assert.ok((channel?.receiveWindow ?? 0) <= 2 * 1024 * 1024)
      const back = await buffer(tunnel)
      assert.equal(digest(back), digest(bytes))
    })

    test('is what http.Agent makes requests on, and keeps', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const server = http.createServer((request, response) => void request.pipe(response)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => server.close())
      const { port } = server.address() as AddressInfo
      const agent = new TunnelAgent(ssh)
      t.after(() => agent.destroy())
      for (const body of ['one', 'two', 'x'.repeat(300_000)]) assert.equal(await get(port, agent, body), body)
      assert.equal(agent.opened, 1)
      const bodies = Array.from({ length: 20 }, (_, index) => `body ${index}`)
      assert.deepEqual(await Promise.all(bodies.map((body) => get(port, agent, body))), bodies)
    })

    test('leads to Unix sockets', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const folder = await userFolder(t, ssh)
      const file = path.join(folder, 'socket')
      await unixServer(t, file, countBytes)
      const tunnel = await ssh.connectTo({ path: file })
      tunnel.end('hello')
      assert.equal(await text(tunnel), '5 bytes')
      assert.deepEqual([tunnel.remoteAddress, tunnel.remotePort], [undefined, undefined])
      const none = ssh.connectTo({ path: path.join(folder, 'none') })
      await assert.rejects(none, { code: 'ERR_SSH_CHANNEL_OPEN', phase: 'channelOpen' })
    })

    test('carries an SSH connection of its own', { timeout }, async (t) => {
      const server = await sshd(t, { version })
      const outer = await login(t, server)
      const stream = await outer.connectTo({ host: server.host, port: server.port })
      const inner = await login(t, server, { stream })
      assert.equal((await inner.exec('echo inside')).stdout, 'inside\n')
      await outer.close()
      assert.match((await inner.closed).message, /was closed/)
    })

    test('fails alone where the server refuses or cannot', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      await assert.rejects(ssh.connectTo({ host: '127.0.0.1', port: await closedPort() }), (error: HoldfastError) => {
        assert.equal(error.code, 'ERR_SSH_CHANNEL_OPEN')
        assert.match(error.message, /no way to 127\.0\.0\.1:\d+: .*connect failed/)
        return true
      })
      const deaf = await login(t, await sshd(t, { version, config: { AllowTcpForwarding: 'no', MaxSessions: 1 } }))
      const command = await deaf.spawn('cat')
      await assert.rejects(deaf.connectTo({ host: '127.0.0.1', port: 22 }), {
        code: 'ERR_SSH_CHANNEL_OPEN',
        hint: /AllowTcpForwarding/,
      })
      command.stdin.end('alive')
      assert.equal(await text(command.stdout), 'alive')
    })

    test('ends by its idle limit, its signal and its own hand, each with its error', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const to = { host: '127.0.0.1', port: await tcpServer(t, () => {}) }
      const idle = await ssh.connectTo(to, { idleTimeout: 200 })
      await closed(idle)
      assert.deepEqual(fields(idle.errored), { code: 'ERR_SSH_TIMEOUT', limit: 'idleTimeout', limitMs: 200 })
      const controller = new AbortController()
      const aborted = await ssh.connectTo(to, { signal: controller.signal })
      controller.abort()
      await closed(aborted)
      assert.equal(fields(aborted.errored).code, 'ERR_SSH_ABORTED')
      await assert.rejects(ssh.connectTo(to, { signal: controller.signal }), { name: 'AbortError' })
      const timed = await ssh.connectTo(to)
      await new Promise<void>((resolve) => void timed.setTimeout(100, resolve))
      assert.equal(timed.destroyed, false)
      timed.destroySoon()
      await closed(timed)
      assert.equal(timed.errored, null)
      await ssh.exec('true')
      assert.deepEqual(
        ssh.stats().channels.filter(({ abandoned }) => abandoned),
        [],
      )
    })

    test('ends with the verdict on the connection, which is its cause', { timeout }, async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server, { keepalive: { interval: 300, countMax: 2 } })
      const tunnel = await ssh.connectTo({ host: '127.0.0.1', port: await tcpServer(t, echo) })
      tunnel.write('x')
      await once(tunnel, 'data')
      const opening = signalConnections(server, 'SIGSTOP').then(() => ssh.connectTo({ host: '127.0.0.1', port: 9 }))
      await closed(tunnel)
      const cause = await ssh.closed
      assert.equal(cause.code, 'ERR_SSH_PEER_DEAD')
      assert.equal(tunnel.errored, cause)
      await assert.rejects(opening, { code: 'ERR_SSH_PEER_DEAD' })
    })
  })
}

test('what is no target fails before anything is sent', async (t) => {
  const skip = skipReason(await prepareSshd('9.2'))
  if (skip !== false) return t.skip(skip)
  const ssh = await login(t, await sshd(t, { version: '9.2' }))
  const wrong = [{}, { host: 'a' }, { host: '', port: 1 }, { host: 'a', port: 0 }, { host: 'a', port: 1, path: 'b' }]
  for (const target of [...wrong, { path: 'a\0b' }, { host: 'a b', port: 1 }]) {
    await assert.rejects(ssh.connectTo(target as never), { code: 'ERR_SSH_OPTION' }, JSON.stringify(target))
  }
  await assert.rejects(ssh.connectTo({ host: 'a', port: 1 }, { timeout: 1 } as never), { code: 'ERR_SSH_OPTION' })
})

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function fields(error: unknown): Partial<HoldfastError> {
  const { code, limit, limitMs } = error as HoldfastError
  return { code, ...(limit === undefined ? {} : { limit }), ...(limitMs === undefined ? {} : { limitMs }) }
}
