import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { type Client, type Forward, type ForwardAddress, HoldfastError } from 'holdfast'
import { client, network, server } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { failure } from '../../promises/support/outcome.js'
import { everyAvailability, skipReason } from '../../servers/availability.js'
import { signalIfAlive } from '../../servers/process-tree.js'
import { prepareSshd, type SshdVersion } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'

leavesNothing()

const quick = { minDelay: 20, maxDelay: 200 } as const
const timeout = 60_000

/** Says what it was told, in capitals. */
async function service(t: TestContext): Promise<ForwardAddress> {
  const listening = net.createServer({ allowHalfOpen: true }, (socket) => {
    let said = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      said += bytes.toString()
    })
    socket.on('end', () => socket.end(said.toUpperCase()))
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.after(() => listening.close())
  const address = listening.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { host: '127.0.0.1', port: address.port }
}

function dial({ host, port, path }: ForwardAddress): net.Socket {
  const socket = path === undefined ? net.connect({ host, port: port ?? 0 }) : net.connect({ path })
  return socket.on('error', () => {})
}

async function ask(address: ForwardAddress, words: string): Promise<string> {
  return text(dial(address).end(words))
}

/** Whether it broke or ended. */
function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function failureOf(forward: Forward): Promise<HoldfastError> {
  return new Promise((resolve) => forward.once('failure', resolve))
}

async function embedded(t: TestContext, limits = {}) {
  const relay = await network(t, await server(t, { forwarding: true }))
  const ssh = await client(t, relay, { reconnect: quick, limits })
  return { relay, ssh, to: await service(t) }
}

async function openSsh(t: TestContext, version: SshdVersion) {
  const started = await sshd(t, { version })
  const relay = await network(t, started)
  const ssh: Client = await login(t, { ...started, host: relay.host, port: relay.port }, { reconnect: quick })
  return { started, relay, ssh, to: await service(t) }
}

describe('a forward of this machine', { concurrency: true, timeout }, () => {
  for (const kind of ['local', 'dynamic'] as const) {
    test(`stays open over a loss (${kind})`, async (t) => {
      const { relay, ssh, to } = await embedded(t)
      const forward = kind === 'local' ? await ssh.forwardLocal({ to }) : await ssh.forwardDynamic()
      const say = async (words: string): Promise<string> => {
        if (kind === 'local') return ask(forward.address, words)
        const socket = dial(forward.address)
        socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, (to.port ?? 0) >> 8, (to.port ?? 0) & 255]))
        socket.end(words)
        const answer = await text(socket)
        return answer.slice(-words.length)
      }
      assert.equal(await say('before'), 'BEFORE')
      for (const words of ['once', 'twice']) {
        const broken = failureOf(forward)
        const open = dial(forward.address)
        if (kind === 'local') await once(forward, 'connection')
        relay.reset()
        if (kind === 'local') assert.equal((await broken).code, 'ERR_SSH_CONNECTION_LOST')
        open.destroy()
        assert.equal(forward.listening, true)
        // It waits for the connection.
        assert.equal(await say(words), words.toUpperCase())
      }
      await forward.close()
      assert.equal(forward.listening, false)
      assert.equal(ssh.state, 'connected')
    })
  }

  test('fails those that waited too long, and goes on', async (t) => {
    const { relay, ssh, to } = await embedded(t, { reconnect: 200 })
    const forward = await ssh.forwardLocal({ to })
    relay.cut()
    relay.reset()
    await once(ssh, 'reconnecting')
    const failed = failureOf(forward)
    await closed(dial(forward.address).resume())
    const { code, limit } = await failed
    assert.deepEqual([code, limit], ['ERR_SSH_TIMEOUT', 'reconnect'])
    assert.equal(forward.listening, true)
  })

  test('turns away who comes when many wait already', async (t) => {
    const relay = await network(t, await server(t, { forwarding: true }))
    const ssh = await client(t, relay, { reconnect: { minDelay: '1h', maxDelay: '1h', maxTime: false } })
    const forward = await ssh.forwardLocal({ to: await service(t) })
    relay.reset()
    await once(ssh, 'reconnecting')
    const sockets = Array.from({ length: 256 }, () => dial(forward.address))
    while (forward.connections < 256) await new Promise((resolve) => setTimeout(resolve, 5))
    const failed = failureOf(forward)
    await closed(dial(forward.address).resume())
    const { code, cause } = await failed
    assert.equal(code, 'ERR_SSH_FORWARD')
    assert.ok(cause instanceof HoldfastError)
    assert.equal(cause.code, 'ERR_SSH_CONNECTION_LOST')
    assert.equal(forward.connections, 256)
    const closing = sockets.map(closed)
    await ssh.close()
    await Promise.all(closing)
    assert.equal((await forward.closed).code, 'ERR_SSH_CLOSED')
  })

  test('is closed while the connection is away, and by its end', async (t) => {
    const relay = await network(t, await server(t, { forwarding: true }))
    const ssh = await client(t, relay, { reconnect: { minDelay: '1h', maxDelay: '1h', maxTime: false } })
    const to = await service(t)
    const [one, two] = await Promise.all([ssh.forwardLocal({ to }), ssh.forwardLocal({ to })])
    relay.reset()
    await once(ssh, 'reconnecting')
    await one.close()
    const { code, cause } = await one.closed
    assert.deepEqual([code, cause], ['ERR_SSH_CLOSED', undefined])
    await ssh.close()
    assert.equal((await two.closed).code, 'ERR_SSH_CLOSED')
    assert.equal(two.listening, false)
  })

  test('can be opened while the connection is away', async (t) => {
    const { relay, ssh, to } = await embedded(t)
    relay.reset()
    await once(ssh, 'reconnecting')
    const forward = await ssh.forwardLocal({ to })
    assert.equal(await ask(forward.address, 'early'), 'EARLY')
  })
})

const skip = skipReason(await everyAvailability([prepareSshd('9.2'), prepareSshd('10')]))

for (const version of ['9.2', '10'] as const) {
  describe(`a forward of sshd ${version}`, { skip, concurrency: true, timeout }, () => {
    test('is asked for again, at the port that it had', async (t) => {
      const { relay, ssh, to } = await openSsh(t, version)
      const forward = await ssh.forwardRemote({ to })
      const { address } = forward
      assert.equal(await ask(address, 'before'), 'BEFORE')
      const again = once(forward, 'listening')
      relay.reset()
      await once(ssh, 'reconnecting')
      assert.equal(forward.listening, false)
      await again
      assert.equal(forward.listening, true)
      assert.equal(await ask(address, 'after'), 'AFTER')
      assert.equal(forward.address, address)
      await forward.close()
      assert.equal((await forward.closed).code, 'ERR_SSH_CLOSED')
    })

    test('that is refused tells so, and is asked for until it is free', async (t) => {
      const { started, relay, ssh, to } = await openSsh(t, version)
      const forward = await ssh.forwardRemote({ to })
      const refused = once(forward, 'refused')
      const old = (await started.processes()).filter(({ role }) => role === 'connection')
      // The server does not notice: it keeps the port for the connection that is gone.
      relay.forget()
      const lost = once(ssh, 'reconnecting')
      ssh.keepalive.configure({ interval: 100, countMax: 1 })
      await lost
      const [error, retryMs] = (await refused) as [HoldfastError, number]
      assert.deepEqual([error.code, retryMs], ['ERR_SSH_REQUEST_REFUSED', 1000])
      assert.equal(forward.listening, false)
      assert.equal(ssh.state, 'connected')
      const again = once(forward, 'listening')
      for (const { pid } of old) signalIfAlive(pid, 'SIGKILL')
      await again
      assert.equal(await ask(forward.address, 'after'), 'AFTER')
    })

    test('that is closed while the connection is away is not asked for again', async (t) => {
      const { relay, ssh, to } = await openSsh(t, version)
      const [gone, kept] = await Promise.all([ssh.forwardRemote({ to }), ssh.forwardRemote({ to })])
      const again = once(kept, 'listening')
      relay.reset()
      await once(ssh, 'reconnecting')
      await gone.close()
      await again
      await assert.rejects(ask(gone.address, 'gone'), { code: 'ECONNREFUSED' })
      assert.equal(await ask(kept.address, 'kept'), 'KEPT')
    })

    test('can be asked for while the connection is away', async (t) => {
      const { relay, ssh, to } = await openSsh(t, version)
      relay.reset()
      await once(ssh, 'reconnecting')
      const forward = await ssh.forwardRemote({ to })
      assert.equal(await ask(forward.address, 'early'), 'EARLY')
      const pending = failure(ssh.forwardRemote({ listen: { port: forward.address.port ?? 0 }, to }))
      assert.equal((await pending).error.code, 'ERR_SSH_REQUEST_REFUSED')
    })
  })
}
