// Every way on which a program could come around what a policy enforces: the policy of this process is written before its first connection.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import {
  type Client,
  type Command,
  CommandError,
  type ConnectOptions,
  connect,
  HoldfastError,
  setDefaults,
} from 'holdfast'
import { account, client, network, server } from '../../promises/support/embedded.js'
import { writePolicy } from '../../support/policy.js'

const { folder, file } = writePolicy((at) => ({
  enforced: {
    keepalive: { interval: '1s', countMax: 2, wantReply: true, tcp: true },
    limits: { connect: '20s', idleTimeout: '10s', reply: '5s', close: '1s' },
  },
  hosts: [
    { match: ['*', '!localhost'], enforced: { limits: { timeout: '3s' } } },
    { match: 'localhost', enforced: { limits: { idleTimeout: '2s' }, socket: { localAddress: '127.0.0.1' } } },
    { match: 'hasty', enforced: { limits: { reply: '500ms', close: '100ms' } } },
    { match: 'pinned', enforced: { hostKey: { policy: 'strict', knownHosts: [path.join(at, 'known')] } } },
  ],
}))

/** Far more than any of these takes, on a busy machine too. */
const end = { timeout: 120_000 }

/** All that a program that wants no limits can say. */
const unlimited: ConnectOptions = {
  keepalive: false,
  limits: { timeout: false, idleTimeout: false, connect: '1h', reply: '1h', close: '1h' },
}

async function failure(promise: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof HoldfastError, `not refused: ${String(error)}`)
  return error
}

/** A command that shows its pid and then writes on, silently or not, for ten minutes. */
const talks = 'echo $$; while :; do echo x; sleep 0.2; done'

async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

async function endsAtTheLimit(ssh: Client, limit: 'timeout' | 'idleTimeout', limitMs: number): Promise<void> {
  const command = limit === 'timeout' ? talks : 'echo $$; exec sleep 600'
  const error = await failure(ssh.exec(command, { timeout: '10m', idleTimeout: '10m' }))
  assert.ok(error instanceof CommandError)
  assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', limit, limitMs])
  assert.equal(error.remote, 'terminated')
  const pid = Number.parseInt(String(error.stdout), 10)
  assert.ok(pid > 1, String(error.stdout))
  assert.ok(await isGone(pid), `${pid} still runs`)
}

function holds(ssh: Client): void {
  const { keepalive, limits, tcpKeepalive, policy: applied } = ssh.stats()
  assert.deepEqual(keepalive, { interval: 1000, countMax: 2, wantReply: true, tcp: true })
  assert.equal(tcpKeepalive, true)
  assert.deepEqual([limits.connect, limits.reply, limits.close, limits.idleTimeout], [20_000, 5000, 1000, 10_000])
  assert.ok(applied.files.includes(file))
}

test('a program that wants neither keepalive nor limits gets both, and stats() shows why', end, async (t) => {
  const started = await server(t)
  const ssh = await client(t, started, unlimited)
  holds(ssh)
  await endsAtTheLimit(ssh, 'timeout', 3000)
  const other = await client(t, { host: 'localhost', port: started.port }, unlimited)
  await endsAtTheLimit(other, 'idleTimeout', 2000)
  // Nothing else is said on it: only a probe has an answer to time.
  while (ssh.liveness.rttMs === null) await new Promise((resolve) => setTimeout(resolve, 20))
  const { options } = ssh.stats().policy
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('"interval"')) + 1
  assert.deepEqual(options['keepalive.interval'], {
    value: 1000,
    from: 'enforced',
    source: `${file}:${line}`,
    wanted: { value: false, from: 'call' },
    bound: { value: 1000, source: `${file}:${line}` },
  })
  assert.deepEqual(options['limits.timeout']?.wanted, { value: false, from: 'call' })
})

test('keepalive.configure() loosens nothing, and can tighten', end, async (t) => {
  const ssh = await client(t, await server(t))
  ssh.keepalive.configure(false)
  holds(ssh)
  ssh.keepalive.configure({ interval: '1h', countMax: 1000, wantReply: false, tcp: { idle: '1h' } })
  holds(ssh)
  ssh.keepalive.configure({ countMax: 1 })
  assert.equal(ssh.keepalive.settings.countMax, 1)
  assert.deepEqual(ssh.stats().policy.options['keepalive.countMax']?.from, 'call')
  ssh.keepalive.configure({ interval: 5 })
  assert.equal(ssh.keepalive.settings.interval, 1000)
})

async function begun(start: Promise<Command>): Promise<unknown> {
  const command = await start
  command.stdout.resume()
  return command.exited
}

test('no call can name a longer limit, or none; one that is no duration stays an error', end, async (t) => {
  const ssh = await client(t, await server(t), unlimited)
  const calls = [
    ssh.exec(talks, { timeout: false, idleTimeout: '10m' }),
    ssh.exec(talks, { timeout: '10m', idleTimeout: false }),
    begun(ssh.spawn(talks, { timeout: false })),
    begun(ssh.shell({ timeout: false, idleTimeout: false })),
  ]
  for (const error of await Promise.all(calls.map(failure))) {
    assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', 'timeout', 3000])
  }
  for (const timeout of [Number.POSITIVE_INFINITY, 0, -1, Number.NaN])
    assert.equal((await failure(ssh.exec(talks, { timeout }))).code, 'ERR_SSH_OPTION')
})

test('neither does a probe, nor close(), wait for longer', end, async (t) => {
  const started = await server(t)
  const relay = await network(t, started)
  const hasty = { ...unlimited, hostKey: { policy: 'off', alias: 'hasty' } } as const
  const [asks, closes] = [await client(t, relay, hasty), await client(t, relay, hasty)]
  const heard: string[] = []
  closes.on('liveness', ({ to }) => heard.push(to))
  const command = await closes.spawn('cat > /dev/null')
  relay.stall()
  // What nobody takes any more is what close() has to wait for.
  command.stdin.write(Buffer.alloc(8_000_000))
  const [probe] = await Promise.all([failure(asks.keepalive.send({ timeout: '1h' })), closes.close({ timeout: '1h' })])
  assert.deepEqual([probe.code, probe.limitMs], ['ERR_SSH_PROBE_TIMEOUT', 500])
  // It would have waited for the verdict.
  assert.ok(!heard.includes('dead'), heard.join())
})

test('setDefaults() and the environment of a process that runs loosen nothing', end, async (t) => {
  const started = await server(t)
  setDefaults({
    keepalive: false,
    limits: { timeout: false, idleTimeout: false, close: '1h', reply: '1h', connect: '1h' },
  })
  process.env['HOLDFAST_LIMITS_TIMEOUT'] = 'false'
  t.after(() => {
    setDefaults({})
    delete process.env['HOLDFAST_LIMITS_TIMEOUT']
  })
  const ssh = await client(t, started)
  holds(ssh)
  assert.equal(ssh.stats().limits.timeout, 3000)
})

test('a hop is bound by its own name, and what is behind it by its', end, async (t) => {
  const target = await server(t)
  const hop = await server(t, { forwarding: true })
  const through = { host: 'localhost', port: hop.port, ...account, ...unlimited }
  const ssh = await client(t, target, { ...unlimited, proxyJump: through })
  const { limits, keepalive } = ssh.stats()
  assert.deepEqual([limits.timeout, keepalive.interval], [3000, 1000])
  const first = await client(t, { host: 'localhost', port: hop.port }, unlimited)
  assert.equal(first.stats().limits.idleTimeout, 2000)
  const behind = await client(t, target, { ...unlimited, proxyJump: first })
  behind.keepalive.configure(false)
  assert.deepEqual([behind.stats().limits.timeout, behind.keepalive.settings.interval], [3000, 1000])
})

test('a connection that is made anew is bound as the first was', end, async (t) => {
  const started = await server(t)
  const relay = await network(t, started)
  const ssh = await client(t, relay, { ...unlimited, reconnect: { minDelay: '10ms' } })
  ssh.keepalive.configure(false)
  const again = once(ssh, 'reconnected')
  relay.reset()
  await again
  holds(ssh)
  await endsAtTheLimit(ssh, 'timeout', 3000)
})

test('a socket of the program has the enforced SO_KEEPALIVE, and the enforced address or none', end, async (t) => {
  const started = await server(t)
  const own = async (options: net.TcpNetConnectOpts) => {
    const socket = net.connect(options)
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  const to = { host: '127.0.0.1', port: started.port }
  holds(await client(t, started, { ...unlimited, stream: await own(to) }))
  const named = { ...unlimited, ...account, host: 'localhost', port: started.port }
  const ssh = await connect({ ...named, stream: await own(to) })
  t.after(() => ssh.close())
  assert.equal(ssh.stats().policy.options['socket.localAddress']?.value, '127.0.0.1')
  if (process.platform !== 'linux') return
  const elsewhere = { ...to, localAddress: '127.0.0.2' }
  const refused = await failure(connect({ ...named, stream: await own(elsewhere) }))
  assert.equal(refused.code, 'ERR_SSH_POLICY')
  assert.match(refused.message, /is bound to 127\.0\.0\.2, and .*policy\.json:\d+ allows 127\.0\.0\.1 alone/)
  const connecting = net.connect(elsewhere)
  const late = await failure(connect({ ...named, stream: connecting }))
  assert.equal(late.cause instanceof HoldfastError ? late.cause.code : late.code, 'ERR_SSH_POLICY')
})

test('where trust in known hosts is enforced, a word of the program does not take its place', end, async (t) => {
  const started = await server(t)
  const known = path.join(folder, 'known')
  const { fingerprint, knownHostsLine } = started.hostKey
  const key = knownHostsLine.split(' ').slice(1).join(' ')
  const outcome = async (hostKey: ConnectOptions['hostKey'], line: string) => {
    writeFileSync(known, line)
    const named = { alias: 'pinned', ...hostKey }
    const options = { ...account, host: '127.0.0.1', port: started.port, hostKey: named }
    return connect(options).then(
      async (ssh) => {
        await ssh.close()
        return 'accepted'
      },
      (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
    )
  }
  const line = `pinned ${key}\n`
  const own = path.join(folder, 'own')
  writeFileSync(own, line)
  for (const hostKey of [
    {},
    { policy: 'off' },
    { policy: 'accept-new' },
    { verify: () => true },
    { fingerprints: [fingerprint] },
    { knownHosts: [own] },
  ] as const) {
    assert.equal(await outcome(hostKey, ''), 'ERR_SSH_HOST_KEY_UNKNOWN', JSON.stringify(hostKey))
    assert.equal(await outcome(hostKey, line), 'accepted', JSON.stringify(hostKey))
  }
  // What the program asks for besides still counts.
  assert.equal(await outcome({ verify: () => false }, line), 'ERR_SSH_HOST_KEY_REJECTED')
})
