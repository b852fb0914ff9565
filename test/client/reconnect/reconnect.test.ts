import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import net from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Client,
  CommandError,
  type ConnectOptions,
  type DiagnosticsMessages,
  HoldfastError,
  type ReconnectAttempt,
  type Reconnection,
} from 'holdfast'
import type { BadNetwork, TestServer } from 'holdfast/testing'
import { client, network, server } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { pendingOn } from '../../promises/support/pending.js'

leavesNothing()

const quick = { minDelay: 20, maxDelay: 200 } as const
/** Of a machine that has much else to do. */
const slackMs = 5000

interface Setting {
  readonly started: TestServer
  readonly relay: BadNetwork
  readonly ssh: Client
  readonly attempts: ReconnectAttempt[]
}

async function setting(t: TestContext, options: ConnectOptions = {}): Promise<Setting> {
  const started = await server(t)
  const relay = await network(t, started)
  const ssh = await client(t, relay, { reconnect: quick, ...options })
  const attempts: ReconnectAttempt[] = []
  ssh.on('reconnecting', (attempt) => attempts.push(attempt))
  return { started, relay, ssh, attempts }
}

describe('a client that reconnects', { concurrency: true, timeout: 60_000 }, () => {
  test('is there again after a reset, and tells of it', async (t) => {
    const { relay, ssh, attempts } = await setting(t)
    assert.equal(ssh.state, 'connected')
    const reconnections: Reconnection[] = []
    const back = once(ssh, 'reconnected')
    ssh.on('reconnected', (reconnection) => reconnections.push(reconnection))
    relay.reset()
    await back
    const [reconnection] = reconnections
    assert.equal(ssh.state, 'connected')
    assert.equal(attempts[0]?.cause.code, 'ERR_SSH_CONNECTION_LOST')
    assert.equal(attempts[0]?.attempt, 1)
    assert.ok(attempts[0].delayMs >= 20 && attempts[0].delayMs <= 40)
    assert.equal(reconnection?.cause, attempts[0].cause)
    assert.ok(reconnection.awayMs >= 20)
    assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
    assert.deepEqual(ssh.stats().reconnect, { state: 'connected', attempt: 0, connections: 2, waiting: 0 })
  })

  test('is there again after a verdict', async (t) => {
    const { relay, ssh, attempts } = await setting(t, { keepalive: { interval: 100, countMax: 2 } })
    const back = once(ssh, 'reconnected')
    relay.swallow()
    const dead = once(ssh, 'liveness')
    await dead
    while (attempts.length === 0) await once(ssh, 'reconnecting')
    assert.equal(attempts[0]?.cause.code, 'ERR_SSH_PEER_DEAD')
    relay.heal()
    await back
    assert.equal(ssh.liveness.state, 'alive')
    assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
  })

  test('fails what was under way, and says of each whether it may have run', async (t) => {
    const { relay, ssh } = await setting(t)
    const command = await ssh.spawn('sleep 3000')
    const pending = pendingOn(ssh, command).map(failure)
    const back = once(ssh, 'reconnected')
    await ssh.exec('true')
    // Its channel is opened there, and we do not hear of it.
    relay.swallow({ direction: 'toClient' })
    const unheard = failure(ssh.exec('true'))
    await pause(100)
    relay.reset()
    relay.heal()
    const failures = await Promise.all([...pending, unheard])
    for (const { error } of failures) assert.equal(rootOf(error).code, 'ERR_SSH_CONNECTION_LOST', String(error))
    const deliveries = failures.flatMap(({ error }) => (error instanceof CommandError ? [error.delivery] : []))
    // Of the shell it may have been too early to know.
    assert.deepEqual([...deliveries.slice(0, 3), deliveries.at(-1)], ['ran', 'ran', 'ran', 'not-sent'])
    await back
  })

  test('holds calls until it is there again', async (t) => {
    const { relay, ssh } = await setting(t)
    relay.reset()
    await once(ssh, 'reconnecting')
    assert.equal(ssh.state, 'reconnecting')
    const calls = [ssh.exec('echo one'), ssh.exec('cat', { stdin: 'two' }), ssh.exec('echo three', { timeout: '20s' })]
    const spawned = ssh.spawn('cat')
    const shell = ssh.shell({ pty: false })
    assert.equal(ssh.stats().reconnect?.waiting, 5)
    const results = await Promise.all(calls)
    assert.deepEqual(
      results.map(({ stdout }) => stdout),
      ['one\n', 'two', 'three\n'],
    )
    const { stdin, exited } = await spawned
    stdin.end()
    assert.equal((await exited).exitCode, 0)
    ;(await shell).stdin.end('exit 3\n')
    assert.equal((await (await shell).exited).exitCode, 3)
  })

  test('asks for no more than was asked: a call that was under way is not made again', async (t) => {
    const ran: string[] = []
    const started = await server(t, {
      exec: ({ command, signal }) => {
        ran.push(command ?? '')
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null)))
      },
    })
    const relay = await network(t, started)
    const ssh = await client(t, relay, { reconnect: quick })
    const pending = ['a', 'b', 'c'].map((command) => failure(ssh.exec(command)))
    while (ran.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    relay.reset()
    await Promise.all(pending)
    await once(ssh, 'reconnected')
    await ssh.keepalive.send()
    assert.deepEqual(ran, ['a', 'b', 'c'])
  })
})

describe('a call that is made while the connection is away', { concurrency: true, timeout: 60_000 }, () => {
  const slow = { minDelay: '1h', maxDelay: '2h', maxTime: false } as const

  async function away(t: TestContext, options: ConnectOptions = {}): Promise<Setting> {
    const made = await setting(t, { reconnect: slow, ...options })
    made.relay.reset()
    await once(made.ssh, 'reconnecting')
    return made
  }

  test('waits no longer than its own limit, and says why the connection is away', async (t) => {
    const { ssh, attempts } = await away(t)
    const { error, tookMs } = await failure(ssh.exec('true', { timeout: 200 }))
    assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', 'timeout', 200])
    assert.equal(error.cause, attempts[0]?.cause)
    assertWithin(tookMs, [150, 200 + slackMs])
    assert.equal(ssh.stats().reconnect?.waiting, 0)
  })

  test('waits no longer than the limit reconnect', async (t) => {
    const { ssh, attempts } = await away(t, { limits: { reconnect: 200 } })
    for (const call of [ssh.exec('true'), ssh.sftp(), ssh.connectTo({ host: 'localhost', port: 1 })]) {
      const { error, tookMs } = await failure(call)
      assert.deepEqual(
        [error.code, error.limit, error.limitMs, error.phase],
        ['ERR_SSH_TIMEOUT', 'reconnect', 200, 'reconnect'],
      )
      assert.equal(error.cause, attempts[0]?.cause)
      assertWithin(tookMs, [0, 200 + slackMs])
    }
  })

  test('waits no longer than its signal lets it', async (t) => {
    const { ssh } = await away(t)
    const reason = new Error('enough')
    const controller = new AbortController()
    const { signal } = controller
    const calls = [
      ssh.exec('true', { signal }),
      ssh.sftp({ signal }),
      ssh.connectTo({ host: 'localhost', port: 1 }, { signal }),
      ssh.forwardRemote({ to: { host: 'localhost', port: 1 }, signal }),
    ].map(failure)
    controller.abort(reason)
    for (const { error } of await Promise.all(calls)) {
      assert.equal(error.name, 'AbortError')
      assert.equal(error.cause, reason)
    }
  })

  test('is told at once of close(), which is over at once', async (t) => {
    const { ssh } = await away(t)
    const calls = [ssh.exec('true'), ssh.sftp(), ssh.connectTo({ host: 'localhost', port: 1 })].map(failure)
    const since = performance.now()
    await ssh.close()
    for (const { error } of await Promise.all(calls)) {
      assert.equal(rootOf(error).code, 'ERR_SSH_CLOSED')
      if (error instanceof CommandError) assert.deepEqual([error.delivery, error.remote], ['not-sent', 'not-started'])
    }
    assertWithin(performance.now() - since, [0, slackMs])
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
    assert.equal(ssh.state, 'closed')
    assert.equal((await failure(ssh.exec('true'))).error.code, 'ERR_SSH_CLOSED')
  })

  test('is told at once when the client is ended by its signal', async (t) => {
    const controller = new AbortController()
    const { ssh } = await away(t, { signal: controller.signal })
    const call = failure(ssh.exec('true'))
    const reason = new Error('enough')
    controller.abort(reason)
    assert.equal((await call).error.code, 'ERR_SSH_ABORTED')
    const { code, cause } = await ssh.closed
    assert.deepEqual([code, cause], ['ERR_SSH_ABORTED', reason])
  })

  test('has its input looked after from the call on', async (t) => {
    const { ssh } = await away(t)
    const broken = new Error('no such file')
    async function* input(): AsyncGenerator<string> {
      yield 'first'
      throw broken
    }
    const { error } = await failure(ssh.exec('cat', { stdin: input() }))
    assert.equal(error.code, 'ERR_SSH_STDIN')
    assert.equal(ssh.state, 'reconnecting')
  })

  test('is refused for a wrong option without waiting', async (t) => {
    const { ssh } = await away(t)
    assert.equal((await failure(ssh.exec(''))).error.code, 'ERR_SSH_OPTION')
  })

  test('that asks about the connection itself fails at once', async (t) => {
    const { ssh } = await away(t)
    assert.equal((await failure(ssh.rekey())).error.code, 'ERR_SSH_CONNECTION_LOST')
    assert.equal((await failure(ssh.keepalive.send())).error.code, 'ERR_SSH_CONNECTION_LOST')
    assert.equal(ssh.stats().reconnect?.state, 'reconnecting')
  })
})

describe('the end', { concurrency: true, timeout: 60_000 }, () => {
  test('comes when the budget is used up, with what the last attempt failed for', async (t) => {
    const { started, relay, ssh, attempts } = await setting(t, { reconnect: { ...quick, maxAttempts: 3 } })
    const closing = once(ssh, 'close')
    await started.close()
    relay.reset()
    await once(ssh, 'reconnecting')
    const { error } = await failure(ssh.exec('true'))
    assert.equal(error.code, 'ERR_SSH_RECONNECT')
    const cause = await ssh.closed
    assert.deepEqual(await closing, [cause])
    assert.equal(cause.code, 'ERR_SSH_RECONNECT')
    assert.ok(cause.cause instanceof HoldfastError)
    assert.equal(attempts.length, 3)
    assert.equal(ssh.state, 'closed')
  })

  test('comes at once where the login is refused', async (t) => {
    let isWelcome = true
    const started = await server(t, { authenticate: () => (isWelcome ? 'accept' : 'refuse') })
    const relay = await network(t, started)
    const ssh = await client(t, relay, { reconnect: quick })
    const attempts: ReconnectAttempt[] = []
    ssh.on('reconnecting', (attempt) => attempts.push(attempt))
    isWelcome = false
    relay.reset()
    assert.equal((await ssh.closed).code, 'ERR_SSH_AUTHENTICATION')
    assert.equal(attempts.length, 1)
  })

  test('comes at once where the host key is another', async (t) => {
    const started = await server(t)
    const relay = await network(t, started)
    let isTrusted = true
    const ssh = await client(t, relay, { reconnect: quick, hostKey: { verify: () => isTrusted } })
    isTrusted = false
    relay.reset()
    assert.equal((await ssh.closed).code, 'ERR_SSH_HOST_KEY_REJECTED')
  })

  test('of the first connection is not put off', async (t) => {
    const free = await server(t)
    await free.close()
    const since = performance.now()
    const { error } = await failure(client(t, free, { reconnect: { minDelay: '1h', maxDelay: '1h', maxTime: false } }))
    assert.equal(error.code, 'ERR_SSH_CONNECT')
    assertWithin(performance.now() - since, [0, slackMs])
  })

  test('by close() takes back an attempt that is under way', async (t) => {
    const { relay, ssh } = await setting(t)
    relay.stall()
    relay.reset()
    const before = relay.stats().accepted
    while (relay.stats().accepted === before) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(ssh.state, 'reconnecting')
    const call = failure(ssh.exec('true'))
    const since = performance.now()
    await ssh.close()
    assertWithin(performance.now() - since, [0, 2000])
    assert.equal((await call).error.code, 'ERR_SSH_CLOSED')
  })

  test('by close() settles what is pending at once, though the peer does not take part in it', async (t) => {
    const { relay, ssh } = await setting(t)
    const { exited } = await ssh.spawn('sleep 3000')
    const pending = [exited, ssh.exec('sleep 3000')].map(failure)
    await ssh.exec('true')
    relay.stall()
    const closing = ssh.close({ timeout: '20s' })
    const since = performance.now()
    for (const { error } of await Promise.all(pending)) assert.equal(rootOf(error).code, 'ERR_SSH_CLOSED')
    assertWithin(performance.now() - since, [0, slackMs])
    relay.heal()
    await closing
  })

  test('by close() refuses what is called right behind it', async (t) => {
    const { ssh } = await setting(t)
    const closing = ssh.close()
    const { error } = await failure(ssh.exec('true'))
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.code, error.delivery], ['ERR_SSH_CLOSED', 'not-sent'])
    await closing
  })

  test('by close() while it is connected is no loss', async (t) => {
    const { ssh, attempts } = await setting(t)
    await ssh.close()
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
    assert.deepEqual(attempts, [])
  })

  test('by the signal while it is connected is no loss', async (t) => {
    const controller = new AbortController()
    const { ssh, attempts } = await setting(t, { signal: controller.signal })
    controller.abort()
    assert.equal((await ssh.closed).code, 'ERR_SSH_ABORTED')
    assert.deepEqual(attempts, [])
  })

  test('may be made by a listener, and what it throws harms nothing', async (t) => {
    const { relay, ssh } = await setting(t)
    const closed = new Promise<void>((resolve) => ssh.once('reconnecting', () => resolve(ssh.close())))
    relay.reset()
    await closed
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
  })
})

test('what a client does about it is published', { timeout: 60_000 }, async (t) => {
  const messages: DiagnosticsMessages['holdfast:reconnect'][] = []
  const listener = (message: unknown): void => {
    // What a channel carries is known by its name.
    messages.push(message as DiagnosticsMessages['holdfast:reconnect'])
  }
  subscribe('holdfast:reconnect', listener)
  t.after(() => unsubscribe('holdfast:reconnect', listener))
  const { started, relay, ssh } = await setting(t, { reconnect: { ...quick, maxAttempts: 1 } })
  const host = `${relay.host}:${relay.port}`
  const back = once(ssh, 'reconnected')
  relay.reset()
  await back
  await pause(500)
  await started.close()
  relay.reset()
  const error = await ssh.closed
  const seen = messages.filter((message) => message.host === host)
  assert.deepEqual(
    seen.map(({ event, attempt }) => [event, attempt]),
    [
      ['planned', 1],
      ['connected', 1],
      ['planned', 1],
      ['given-up', 1],
    ],
  )
  assert.deepEqual(seen.at(-1), { host, event: 'given-up', attempt: 1, error })
})

describe('the option', { concurrency: true, timeout: 60_000 }, () => {
  test('is checked field by field', async (t) => {
    assert.match(await refusal(t, { reconnect: { minDelay: '2s', maxDelay: '1s' } }), /minDelay is longer than/)
    assert.match(await refusal(t, { reconnect: { maxTime: 100 } }), /maxTime leaves no time/)
    assert.match(await refusal(t, { reconnect: { maxAttempts: 0 } }), /reconnect\.maxAttempts/)
    assert.match(await refusal(t, { reconnect: { minDelay: 'soon' } }), /reconnect\.minDelay: 'soon' is no duration/)
  })

  test('is refused beside a stream that cannot be opened again', async (t) => {
    const stream = new net.Socket()
    assert.match(await refusal(t, { reconnect: true, stream }), /a function that opens one/)
  })

  test('is refused for a hop, which is dialled again with its target', async (t) => {
    const hop = { host: '127.0.0.1', reconnect: true } as const
    assert.match(await refusal(t, { proxyJump: hop }), /a hop has no reconnect of its own/)
  })

  test('goes with a function that opens a stream, which is called for each connection', async (t) => {
    const started = await server(t)
    const opened: net.Socket[] = []
    const stream = () => {
      const socket = net.connect(started.port, started.host)
      opened.push(socket)
      return once(socket, 'connect').then(() => socket)
    }
    const ssh = await client(t, started, { reconnect: quick, stream })
    opened[0]?.destroy()
    await once(ssh, 'reconnected')
    assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
    assert.equal(opened.length, 2)
  })

  test('goes on with a server that goes in the middle of a login, after it has refused a key', async (t) => {
    let logins = 0
    const started: TestServer = await server(t, {
      exec: () => 0,
      authenticate: async ({ method }) => {
        if (method === 'publickey') return 'refuse'
        if (++logins === 2) await started.connections[0]?.disconnect()
        return 'accept'
      },
    })
    const privateKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    const ssh = await client(t, started, { reconnect: quick, privateKey })
    const causes: unknown[] = []
    ssh.on('reconnecting', ({ cause }) => causes.push([cause.code, cause.phase, cause.disconnectReason]))
    await started.connections[0]?.disconnect()
    await Promise.race([once(ssh, 'reconnected'), ssh.closed])
    assert.equal(ssh.state, 'connected')
    assert.deepEqual(causes, [
      ['ERR_SSH_DISCONNECTED', 'ready', 11],
      ['ERR_SSH_DISCONNECTED', 'authentication', 11],
    ])
  })

  test('ends with a function that gives no stream, and goes on with one that fails', async (t) => {
    const started = await server(t)
    let calls = 0
    const stream = async (): Promise<net.Socket> => {
      calls++
      if (calls === 2) throw new Error('not now')
      const socket = net.connect(started.port, started.host)
      if (calls === 3) socket.destroy()
      return socket
    }
    const ssh = await client(t, started, { reconnect: quick, stream })
    const causes: string[] = []
    ssh.on('reconnecting', ({ cause }) => causes.push(cause.code))
    await started.connections[0]?.disconnect()
    assert.equal((await ssh.closed).code, 'ERR_SSH_OPTION')
    assert.deepEqual(causes, ['ERR_SSH_DISCONNECTED', 'ERR_SSH_CONNECT'])
  })
})

function rootOf(error: HoldfastError): HoldfastError {
  return error.cause instanceof HoldfastError ? rootOf(error.cause) : error
}

async function refusal(t: TestContext, options: ConnectOptions): Promise<string> {
  const { error } = await failure(client(t, { host: '127.0.0.1', port: 1 }, options))
  assert.equal(error.code, 'ERR_SSH_OPTION')
  return error.message
}
