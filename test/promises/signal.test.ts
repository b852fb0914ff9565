/** `signal` of connect(), at every stage: it settles everything, and leaves nothing. */
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { type Client, type ConnectOptions, connect, HoldfastError } from 'holdfast'
import { Deferred } from '#src/liveness/deferred.js'
import { duplexPair } from './support/duplex-pair.js'
import { account, client, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { listener } from './support/listener.js'
import { failure } from './support/outcome.js'

leavesNothing()

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 30_000

const reason = new Error('enough')

/** When to abort: what comes about once connect() has got that far. */
type Stage = (t: TestContext) => Promise<{ readonly options: ConnectOptions; readonly reached: Promise<unknown> }>

const stages: Readonly<Record<string, Stage>> = {
  dns: async () => {
    const { promise, resolve } = new Deferred<void>()
    return { options: { host: 'nowhere.invalid', socket: { lookup: () => resolve() } }, reached: promise }
  },
  identification: async (t) => {
    const { promise, resolve } = new Deferred<void>()
    const { port } = await listener(t, (socket) => socket.once('data', () => resolve()))
    return { options: { port }, reached: promise }
  },
  keyExchange: async (t) => {
    const { promise, resolve } = new Deferred<void>()
    const { port } = await listener(t, (socket) => {
      socket.write('SSH-2.0-OpenSSH_9.2p1\r\n')
      // Nothing that the client sends shows that it has read this.
      socket.once('data', () => setTimeout(resolve, 200))
    })
    return { options: { port }, reached: promise }
  },
  hostKey: async (t) => {
    const { promise, resolve } = new Deferred<void>()
    const { port } = await server(t)
    const verify = () => {
      resolve()
      return new Promise<boolean>(() => {})
    }
    return { options: { port, hostKey: { verify } }, reached: promise }
  },
  authentication: async (t) => {
    const { promise, resolve } = new Deferred<void>()
    const authenticate = () => {
      resolve()
      return new Promise<never>(() => {})
    }
    const { port } = await server(t, { authenticate })
    return { options: { port }, reached: promise }
  },
}

describe('an abort of the signal of connect()', () => {
  test('that came before does nothing but reject, and lets go of the stream', { timeout }, async () => {
    const [near, far] = duplexPair()
    const since = failure(connect({ stream: near, ...account, signal: AbortSignal.abort(reason) }))
    assertAborted((await since).error)
    if (!near.destroyed) await once(near, 'close')
    far.destroy()
  })

  for (const [phase, stage] of Object.entries(stages)) {
    test(`in the phase ${phase} rejects at once`, { timeout }, async (t) => {
      const { options, reached } = await stage(t)
      const abort = new AbortController()
      const { port = 22, host = '127.0.0.1' } = options
      const attempt = connect({ ...account, ...options, host, port, signal: abort.signal })
      await Promise.race([reached, attempt])
      abort.abort(reason)
      const { error, waitedMs } = await failure(attempt)
      assert.ok(waitedMs < 200, `${waitedMs} ms`)
      assertAborted(error)
      assert.equal(error.phase, phase)
      assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    })
  }

  test('in the very tick in which it became ready ends it', { timeout }, async (t) => {
    const abort = new AbortController()
    const { port } = await server(t, { banner: 'welcome' })
    const attempt = connect({ host: '127.0.0.1', port, ...account, signal: abort.signal })
    const outcome = await attempt.then(
      (ssh) => {
        abort.abort(reason)
        return ssh.closed
      },
      (error: unknown) => error,
    )
    assert.ok(outcome instanceof HoldfastError)
    assertAborted(outcome)
  })

  test('later settles everything on it, and whatever is called after it', { timeout }, async (t) => {
    const abort = new AbortController()
    const ssh = await client(t, await server(t), { signal: abort.signal })
    const running = await ssh.spawn('sleep 60')
    const written = new Promise<unknown>((resolve) => running.stdin.write(Buffer.alloc(4_000_000), resolve))
    const closed = once(ssh, 'close')
    const calls = pendingCalls(ssh, [running.exited, ssh.exec('sleep 60'), ssh.exec('true')])
    abort.abort(reason)
    for (const { error, waitedMs } of await calls) {
      assertAborted(error)
      assert.ok(waitedMs < 500, `${waitedMs} ms`)
    }
    assert.ok((await written) instanceof Error)
    assertAborted(await ssh.closed)
    assert.deepEqual(await closed, [await ssh.closed])
    for (const { error } of await pendingCalls(ssh, [ssh.exec('true'), ssh.spawn('true')])) assertAborted(error)
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    await ssh.close()
  })

  test('after it was closed does nothing', { timeout }, async (t) => {
    const abort = new AbortController()
    const ssh = await client(t, await server(t), { signal: abort.signal })
    await ssh.close()
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    abort.abort(reason)
    assert.equal((await ssh.closed).code, 'ERR_SSH_CLOSED')
  })
})

test('two clients and forty commands share one signal without a warning of Node', { timeout: 30_000 }, async (t) => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const abort = new AbortController()
  const { signal } = abort
  const started = await server(t, { maxSessions: 30 })
  const clients = [await client(t, started, { signal }), await client(t, started, { signal })]
  const commands = clients.flatMap((ssh) => Array.from({ length: 20 }, () => failure(ssh.exec('sleep 60', { signal }))))
  await clients[0]?.exec('true')
  assert.ok(getEventListeners(signal, 'abort').length <= 2)
  abort.abort(reason)
  for (const { error } of await Promise.all(commands)) assertAborted(error)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(warnings, [])
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

async function pendingCalls(ssh: Client, more: readonly Promise<unknown>[]) {
  return Promise.all([...more, ssh.keepalive.send(), ssh.rekey()].map(failure))
}

function assertAborted(error: HoldfastError): void {
  assert.deepEqual([error.name, error.code], ['AbortError', 'ERR_SSH_ABORTED'])
  assert.equal(error.cause, reason)
}
