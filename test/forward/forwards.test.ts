import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import type { Client, Forward, ForwardAddress, HoldfastError } from 'holdfast'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { closed, closedPort, countBytes, echo, tcpServer, unixServer, userFolder } from './local-servers.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 45_000

const run = promisify(execFile)

/** A connection to where a forward listens. */
function dial({ host, port, path: file }: ForwardAddress): net.Socket {
  const socket = file === undefined ? net.connect({ host, port, allowHalfOpen: true }) : net.connect({ path: file })
  return socket.on('error', () => {})
}

/** Sends so many bytes, ends, and reads the answer that comes after that. */
async function ask(address: ForwardAddress, bytes: number): Promise<string> {
  return text(dial(address).end(randomBytes(bytes)))
}

/** The next failure of one connection. */
async function failureOf(forward: Forward): Promise<HoldfastError> {
  const [error] = (await once(forward, 'failure')) as [HoldfastError]
  return error
}

/** Nothing of its connections is left, on either side of the SSH connection. */
async function drained(ssh: Client, forward: Forward): Promise<void> {
  while (forward.connections > 0 || ssh.stats().channels.length > 0) await ssh.keepalive.send()
}

async function web(t: TestContext): Promise<number> {
  const server = http.createServer((request, response) => response.end(`hello ${request.url}`)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as net.AddressInfo).port
}

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`forwards on sshd ${version}`, { skip }, () => {
    test('from here to there, with an end in each direction', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const forward = await ssh.forwardLocal({ to: { host: '127.0.0.1', port: await tcpServer(t, countBytes) } })
      const { address } = forward
      assert.ok(address.host === '127.0.0.1' && address.port > 0)
      const answers = await Promise.all([ask(address, 3_000_000), ask(address, 7)])
      assert.deepEqual(answers, ['3000000 bytes', '7 bytes'])
      await drained(ssh, forward)
      const { open, accepted, failed, bytesSent, bytesReceived } = forward.stats()
      assert.deepEqual([open, accepted, failed, bytesSent, bytesReceived], [0, 2, 0, 3_000_007, 20])
      await assert.rejects(ssh.forwardLocal({ listen: address, to: address }), { code: 'ERR_SSH_LISTEN' })
      const still = dial(address)
      await once(forward, 'connection')
      await forward.close()
      await closed(still)
      assert.equal((await forward.closed).code, 'ERR_SSH_CLOSED')
      const again = await ssh.forwardLocal({ listen: address, to: address })
      await again.close()
    })

    test('from there to here, at any free port, until it is given up', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const forward = await ssh.forwardRemote({ to: { host: 'localhost', port: await tcpServer(t, countBytes) } })
      const other = await ssh.forwardRemote({ to: { host: '127.0.0.1', port: await tcpServer(t, echo) } })
      assert.notEqual(forward.address.port, other.address.port)
      assert.equal(await ask(forward.address, 3_000_000), '3000000 bytes')
      const bytes = randomBytes(5_000_000)
      assert.ok((await buffer(dial(other.address).end(bytes))).equals(bytes))
      await drained(ssh, forward)
      assert.deepEqual([forward.stats().bytesSent, other.stats().bytesReceived], [3_000_000, 5_000_000])
      const taken = { listen: forward.address, to: forward.address }
      await assert.rejects(ssh.forwardRemote(taken), { code: 'ERR_SSH_REQUEST_REFUSED' })
      await forward.close()
      const refused = dial(forward.address)
      await closed(refused)
      assert.match(String(refused.errored), /ECONNREFUSED/)
      assert.equal((await buffer(dial(other.address).end('x'))).toString(), 'x')
    })

    test('between Unix sockets, both ways', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const folder = await userFolder(t, ssh)
      const [target, here, there] = ['target', 'here', 'there'].map((name) => ({ path: path.join(folder, name) }))
      assert.ok(target && here && there)
      await unixServer(t, target.path, echo)
      const local = await ssh.forwardLocal({ listen: here, to: target })
      assert.equal((await stat(here.path)).mode & 0o777, 0o600)
      const remote = await ssh.forwardRemote({ listen: there, to: local.address })
      assert.equal(await text(dial(remote.address).end('round and round')), 'round and round')
      await Promise.all([local.close(), remote.close()])
      await assert.rejects(stat(here.path), { code: 'ENOENT' })
      // sshd leaves the file there.
      const refused = { code: 'ERR_SSH_REQUEST_REFUSED', hint: /remove the file, or say StreamLocalBindUnlink/ }
      await assert.rejects(ssh.forwardRemote({ listen: there, to: target }), refused)
    })

    test('to wherever a client of SOCKS 4a or 5 wants', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const port = await web(t)
      const forward = await ssh.forwardDynamic()
      const proxy = `${forward.address.host}:${forward.address.port}`
      for (const way of ['--socks5-hostname', '--socks5', '--socks4a', '--socks4']) {
        const { stdout } = await run('curl', ['-sS', '--noproxy', '', way, proxy, `http://localhost:${port}/${way}`])
        assert.equal(stdout, `hello /${way}`)
      }
      const failure = failureOf(forward)
      const nowhere = `http://127.0.0.1:${await closedPort()}/`
      const refused = run('curl', ['-sS', '--noproxy', '', '--socks5', proxy, nowhere])
      await assert.rejects(refused, { code: 97 })
      assert.equal((await failure).code, 'ERR_SSH_CHANNEL_OPEN')
      await drained(ssh, forward)
    })

    test('refuse what speaks no SOCKS, or does not come to the point', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }), { limits: { identification: 500 } })
      const forward = await ssh.forwardDynamic()
      for (const bytes of [
        'GET / HTTP/1.1\r\n\r\n',
        '\x05\x01\x02',
        '\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50',
      ]) {
        const failure = failureOf(forward)
        const client = dial(forward.address)
        client.write(Buffer.from(bytes, 'latin1'))
        client.resume().once('end', () => client.end())
        await closed(client)
        assert.equal((await failure).code, 'ERR_SSH_SOCKS')
      }
      const failure = failureOf(forward)
      const slow = dial(forward.address)
      slow.write(Buffer.of(5, 1))
      await closed(slow)
      const { code, limit } = await failure
      assert.deepEqual([code, limit, forward.connections], ['ERR_SSH_TIMEOUT', 'identification', 0])
    })

    test('survive connections that fail, and servers that forbid them', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version, config: { AllowTcpForwarding: 'no' } }))
      const to = { host: '127.0.0.1', port: await closedPort() }
      await assert.rejects(ssh.forwardRemote({ to }), { code: 'ERR_SSH_REQUEST_REFUSED', hint: /AllowTcpForwarding/ })
      const forward = await ssh.forwardLocal({ to })
      for (let round = 0; round < 2; round++) {
        const failure = failureOf(forward)
        await closed(dial(forward.address).resume())
        assert.equal((await failure).code, 'ERR_SSH_CHANNEL_OPEN')
      }
      assert.deepEqual([forward.stats().accepted, forward.stats().failed, forward.connections], [2, 2, 0])
      assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
      const open = await login(t, await sshd(t, { version }))
      const remote = await open.forwardRemote({ to })
      const failure = failureOf(remote)
      await closed(dial(remote.address).end().resume())
      assert.equal((await failure).code, 'ERR_SSH_CONNECT')
      const idle = await open.forwardLocal({ to: { ...to, port: await tcpServer(t, echo) }, idleTimeout: 200 })
      const cut = failureOf(idle)
      await closed(dial(idle.address).resume())
      assert.deepEqual([(await cut).code, (await cut).limit], ['ERR_SSH_TIMEOUT', 'idleTimeout'])
    })

    test('carry two thousand short connections, and keep nothing of them', { timeout }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const forward = await ssh.forwardLocal({ to: { host: '127.0.0.1', port: await tcpServer(t, echo) } })
      let left = 2000
      const worker = async (): Promise<void> => {
        while (left-- > 0) assert.equal(await text(dial(forward.address).end('ping')), 'ping')
      }
      await Promise.all(Array.from({ length: 20 }, worker))
      await drained(ssh, forward)
      const { open, accepted, failed, bytesSent, bytesReceived } = forward.stats()
      assert.deepEqual([open, accepted, failed, bytesSent, bytesReceived], [0, 2000, 0, 8000, 8000])
    })

    test('end with the verdict on the connection', { timeout }, async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server, { keepalive: { interval: 300, countMax: 2 } })
      const to = { host: '127.0.0.1', port: await tcpServer(t, echo) }
      const forwards = [await ssh.forwardLocal({ to }), await ssh.forwardRemote({ to }), await ssh.forwardDynamic()]
      const [local] = forwards
      assert.ok(local)
      const socket = dial(local.address)
      await once(local, 'connection')
      await signalConnections(server, 'SIGSTOP')
      socket.resume()
      await closed(socket)
      assert.match(String(socket.errored), /ECONNRESET/)
      const cause = await ssh.closed
      assert.equal(cause.code, 'ERR_SSH_PEER_DEAD')
      for (const forward of forwards) {
        assert.equal(await forward.closed, cause)
        await forward.close()
      }
      await assert.rejects(ssh.forwardLocal({ to }), { code: 'ERR_SSH_PEER_DEAD' })
    })
  })
}
