import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from 'holdfast'
import { messageNumber } from '#src/wire/numbers.js'
import { scripted } from './scripted.js'

type World = Awaited<ReturnType<typeof scripted>>

/** The failure of a call, and how long after it the error came. */
async function failure(world: World, call: Promise<unknown>) {
  const { error, tookMs } = await world.time.failure(call)
  assert.ok(error instanceof CommandError)
  return { error, tookMs }
}

/** Times on the simulated wire are a few milliseconds later than what sets them off. */
function near(actual: number, expected: number): void {
  assert.ok(actual >= expected && actual < expected + 100, `${actual} ms, not about ${expected} ms`)
}

/** The server ends every command that is sent TERM. */
function endsByTerm({ script }: World): void {
  const before = script.requested
  script.requested = (type, channel, data) => {
    before(type, channel, data)
    if (type !== 'signal') return
    script.exitSignal(channel, 'TERM')
    script.close(channel)
  }
}

test('timeout counts from the call, and covers a session that the server never opens', async () => {
  const world = await scripted()
  const before = world.server.before
  world.server.before = (payload) => payload[0] === messageNumber.CHANNEL_OPEN || before(payload)
  const { error, tookMs } = await failure(world, world.sessions.exec('anything', { timeout: '5s' }))
  assert.deepEqual(
    [error.code, error.limit, error.limitMs, error.remote],
    ['ERR_SSH_TIMEOUT', 'timeout', 5000, 'not-started'],
  )
  near(tookMs, 5000)
})

test('timeout ends a command that goes on writing', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  script.requested = (type, channel) => {
    if (type === 'exec')
      for (let second = 1; second <= 10; second++) time.after(second * 1000, () => script.stdout(channel, '.'))
  }
  endsByTerm(world)
  const { error, tookMs } = await failure(world, sessions.exec('anything', { timeout: 5500 }))
  assert.deepEqual([error.stdout, error.remote, error.signal], ['.....', 'terminated', 'SIGTERM'])
  near(tookMs, 5500)
})

test('a request that is never answered fails at the limit reply, and what it may have started is ended', async () => {
  const world = await scripted()
  world.script.grant = () => undefined
  endsByTerm(world)
  const { error, tookMs } = await failure(world, world.sessions.exec('anything'))
  assert.deepEqual([error.limit, error.phase, world.script.types], ['reply', 'request', ['exec', 'signal']])
  near(tookMs, 15_000)
})

test('firstByteTimeout is over once a byte came', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  script.requested = (type, channel) => {
    if (type !== 'exec') return
    time.after(4000, () => script.stderr(channel, '.'))
    time.after(60_000, () => script.finish(channel))
  }
  assert.equal((await time.value(sessions.exec('anything', { firstByteTimeout: '5s' }))).stderr, '.')
  script.requested = () => {}
  endsByTerm(world)
  const { error, tookMs } = await failure(world, sessions.exec('anything', { firstByteTimeout: '5s' }))
  assert.equal(error.limit, 'firstByteTimeout')
  near(tookMs, 5000)
})

test('idleTimeout counts from the last sign of this command, and of no other', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  const channels: number[] = []
  script.requested = (type, channel) => {
    if (type === 'exec') channels.push(channel)
  }
  const other = await time.value(sessions.spawn('other'))
  other.stdout.resume()
  endsByTerm(world)
  const call = sessions.exec('anything', { idleTimeout: '5s' })
  await time.run(10)
  const [busy = -1, channel = -1] = channels
  for (let second = 1; second <= 60; second++) time.after(second * 1000, () => script.stdout(busy, '.'))
  time.after(4000, () => script.stdout(channel, '.'))
  time.after(8000, () => script.adjust(channel, 1))
  const { error, tookMs } = await failure(world, call)
  assert.equal(error.limit, 'idleTimeout')
  near(tookMs, 13_000)
})

test('idleTimeout stands still while our side does not read', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  script.requested = (type, channel) => {
    if (type === 'exec') for (let sent = 0; sent < 64; sent++) script.stdout(channel, Buffer.alloc(32 * 1024))
  }
  endsByTerm(world)
  const command = await time.value(sessions.spawn('anything', { idleTimeout: '5s' }))
  assert.equal((await time.outcome(command.exited, 60_000)).status, 'pending')
  command.stdout.resume()
  const { error, tookMs } = await failure(world, command.exited)
  assert.equal(error.limit, 'idleTimeout')
  near(tookMs, 5000)
})

test('timeout says of a command that it waits for its reader, and of one that is read nothing such', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  script.requested = (type, channel) => {
    if (type === 'exec') for (let sent = 0; sent < 64; sent++) script.stderr(channel, 'x'.repeat(32 * 1024))
  }
  endsByTerm(world)
  const hints: string[] = []
  for (const reads of [false, true]) {
    const command = await time.value(sessions.spawn('anything', { timeout: '2s' }))
    command.stdout.resume()
    if (reads) command.stderr.resume()
    const { error } = await failure(world, command.exited)
    assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'timeout'])
    hints.push(error.hint)
  }
  assert.match(hints[0] ?? '', /output was not read/)
  assert.doesNotMatch(hints[1] ?? '', /output was not read/)
})

test('stdinStall counts while the command does not read what there is for it, and the peer lives', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  script.requested = (type, channel) => {
    if (type === 'exec') time.after(4000, () => script.adjust(channel, 10))
  }
  endsByTerm(world)
  const call = sessions.exec('anything', { stdinStall: '5s', stdin: Buffer.alloc(2 ** 20 + 1000) })
  const { error, tookMs } = await failure(world, call)
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_STDIN_STALLED', 'stdinStall'])
  near(tookMs, 9000)
})

test('a window that is opened by no byte is no sign of a command that reads, or works', async () => {
  for (const limit of ['stdinStall', 'idleTimeout'] as const) {
    const world = await scripted()
    const { time, script, sessions } = world
    script.requested = (type, channel) => {
      if (type !== 'exec') return
      for (let second = 1; second <= 20; second++) time.after(second * 1000, () => script.adjust(channel, 0))
    }
    endsByTerm(world)
    const call = sessions.exec('anything', { [limit]: '5s', stdin: Buffer.alloc(2 ** 20 + 1000) })
    const { error, tookMs } = await failure(world, call)
    assert.equal(error.limit, limit)
    near(tookMs, 5000)
  }
})

test('stdinStall does not count while input waits for the end of a key exchange', async () => {
  const world = await scripted()
  const { time, client, server, sessions } = world
  endsByTerm(world)
  const before = server.before
  server.before = (payload) => {
    if (payload[0] !== messageNumber.KEXINIT) return before(payload)
    const copy = Buffer.from(payload)
    server.before = before
    time.after(4000, () => server.handleAgain(copy))
    return true
  }
  const call = sessions.exec('anything', { stdinStall: '5s', stdin: Buffer.alloc(2 ** 20 + 1000) })
  client.connection.rekey().catch(() => {})
  const { error, tookMs } = await failure(world, call)
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_STDIN_STALLED', 'stdinStall'])
  near(tookMs, 9000)
})

test('stdinStall leaves a command alone that has read everything', async () => {
  const world = await scripted()
  const { time, script, sessions } = world
  script.requested = (type, channel) => {
    if (type === 'exec') time.after(60_000, () => script.finish(channel))
  }
  const { exitCode } = await time.value(sessions.exec('anything', { stdinStall: '5s', stdin: 'all of it' }))
  assert.equal(exitCode, 0)
})

test('an abort ends the command like a limit, and its reason is the cause', async () => {
  const world = await scripted()
  endsByTerm(world)
  const abort = new AbortController()
  const reason = new Error('not wanted any more')
  world.time.after(700, () => abort.abort(reason))
  const { error, tookMs } = await failure(world, world.sessions.exec('anything', { signal: abort.signal }))
  assert.deepEqual(
    [error.name, error.code, error.cause, error.remote],
    ['AbortError', 'ERR_SSH_ABORTED', reason, 'terminated'],
  )
  near(tookMs, 700)
})

test('nothing is sent for a call whose signal has aborted', async () => {
  const world = await scripted()
  const heard = world.server.heard.length
  const { error } = await failure(world, world.sessions.exec('anything', { signal: AbortSignal.abort() }))
  assert.deepEqual([error.code, error.remote], ['ERR_SSH_ABORTED', 'not-started'])
  await world.time.run(10)
  assert.equal(world.server.heardOf(messageNumber.CHANNEL_OPEN).length, 0)
  assert.equal(world.server.heard.length, heard)
})

test('the first cause decides: a connection that is lost while a command is ended leaves the limit as its error', async () => {
  const world = await scripted()
  world.time.after(1500, () => world.server.close())
  const { error } = await failure(world, world.sessions.exec('anything', { timeout: 1000 }))
  assert.deepEqual([error.limit, error.remote], ['timeout', 'unknown'])
})

test('a connection that is lost fails the command with its own cause', async () => {
  const world = await scripted()
  world.time.after(1500, () => world.server.close())
  const { error } = await failure(world, world.sessions.exec('anything', { timeout: 5000 }))
  assert.deepEqual([error.code, error.cause, error.remote], ['ERR_SSH_CONNECTION_LOST', world.client.cause, 'unknown'])
})

test('the limits of the connection hold for commands that do not name their own', async () => {
  const limits = { timeout: 3000, idleTimeout: false, firstByteTimeout: false, stdinStall: false } as const
  const world = await scripted({ limits })
  endsByTerm(world)
  assert.equal((await failure(world, world.sessions.exec('anything'))).error.limitMs, 3000)
  assert.equal((await failure(world, world.sessions.exec('anything', { timeout: 100 }))).error.limitMs, 100)
  const call = world.sessions.exec('anything', { timeout: false })
  await world.time.run(10_000)
  world.script.finish(world.script.requests.at(-1)?.recipient ?? -1)
  await world.time.value(call)
})
