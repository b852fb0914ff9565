import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket, connect as tcp } from 'node:net'
import { describe, test } from 'node:test'
import type { ConnectConfig } from 'holdfast/ssh2'
import { startAgent } from '../servers/agent.js'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { type Client, compare, outcome, type Stage } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

const events = ['connect', 'greeting', 'banner', 'ready', 'error', 'end', 'close', 'timeout'] as const

/** Connects, notes all events, and ends once it is ready; until `close`. */
async function attempt({ ssh2, note }: Stage, line: string, config: ConnectConfig): Promise<void> {
  const client = new ssh2.Client()
  let hasFailed = false
  for (const event of events) {
    // After some errors ssh2 tells of a second one, which is a consequence of the first.
    if (event === 'error') client.once(event, (error) => note(line, event, error)).on(event, () => (hasFailed = true))
    // Whether ssh2 sees the end of a connection that failed, or a reset, depends on which of the two sides is faster.
    else if (event === 'end') client.on(event, () => hasFailed || note(line, event))
    else client.on(event, (...args: unknown[]) => note(line, event, ...args))
  }
  client.on('ready', () => client.end())
  // Not by once(): an error would reject it.
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.connect(config)
  await closed
}

function thrown({ ssh2, config, note }: Stage, line: string, further: object): void {
  // ssh2 leaves its socket and its timer behind where it throws.
  const client = new ssh2.Client().on('error', () => {})
  try {
    client.connect({ ...config, readyTimeout: 200, ...further })
    note(line, 'nothing')
  } catch (error) {
    note(line, error)
  }
}

async function answering(answer: (socket: Socket) => void): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    answer(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, close: () => void server.close() }
}

function later(_left: unknown, _partial: unknown, next: (method: 'password') => void): undefined {
  setTimeout(() => next('password'), 20)
}

describe('connections over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('logins that succeed', async (t) => {
    const server = await sshd(t, { version: '9.2', banner: 'welcome\nto you\n', config: { MaxAuthTries: 20 } })
    const { password, clientKeys } = server
    const agent = await startAgent([clientKeys.ed25519.privateKey])
    t.after(() => agent.stop())
    await compare(t, server, async (stage) => {
      const { config, ssh2, note } = stage
      const { privateKey: _, ...bare } = config
      await attempt(stage, 'key', config)
      await attempt(stage, 'password', { ...bare, password })
      for (const type of ['rsa', 'ecdsa'] as const) {
        const privateKey = readFileSync(clientKeys[type].privateKey)
        await attempt(stage, type, { ...bare, privateKey })
        const methods: string[] = []
        const authHandler = (left: readonly string[] | null, partial: boolean | null) => {
          methods.push(JSON.stringify([left, partial]))
          return methods.length === 1
            ? ('none' as const)
            : { type: 'publickey' as const, username: config.username ?? '', key: privateKey }
        }
        await attempt(stage, `handler ${type}`, { ...bare, authHandler })
        note(`asked ${type}`, methods)
      }
      await attempt(stage, 'agent', { ...bare, agent: agent.socket })
      await attempt(stage, 'agent object', { ...bare, agent: new ssh2.OpenSSHAgent(agent.socket) })
      await attempt(stage, 'list', { ...config, password, authHandler: ['none', 'password'] })
      await attempt(stage, 'later', { ...bare, password, authHandler: later })
    })
  })

  test('logins that fail', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { MaxAuthTries: 20 } })
    const nobody = await freePort()
    await compare(t, server, async (stage) => {
      const { privateKey: _, ...bare } = stage.config
      await attempt(stage, 'password', { ...bare, password: 'wrong' })
      await attempt(stage, 'nothing', bare)
      await attempt(stage, 'no agent', { ...bare, agent: '/nowhere/at/all' })
      await attempt(stage, 'refused', { ...stage.config, port: nobody })
      await attempt(stage, 'refused by name', { ...stage.config, host: 'localhost', port: nobody })
      await attempt(stage, 'no such host', { ...stage.config, host: 'no-such-host.invalid' })
      await attempt(stage, 'no cipher', { ...stage.config, algorithms: { cipher: ['aes256-cbc'] } })
    })
  })

  test('servers that are none', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const closing = await answering((socket) => void socket.end())
      await attempt(stage, 'closes', { ...stage.config, port: closing.port })
      closing.close()
      const sockets: Socket[] = []
      const silent = await answering((socket) => void sockets.push(socket))
      await attempt(stage, 'silent', { ...stage.config, port: silent.port, readyTimeout: 2000 })
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
  })

  test('host keys', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { config, note } = stage
      const seen = (key: unknown) =>
        note('key', Buffer.isBuffer(key) ? createHash('sha256').update(key).digest('hex') : key)
      const of = (accept: ConnectConfig['hostVerifier'], hostHash?: string) => ({
        ...config,
        hostVerifier: accept,
        hostHash,
      })
      await attempt(
        stage,
        'accepts',
        of((key: unknown) => (seen(key), true)),
      )
      await attempt(
        stage,
        'denies',
        of(() => false),
      )
      await attempt(
        stage,
        'throws',
        of(() => {
          throw new Error('not today')
        }),
      )
      await attempt(
        stage,
        'accepts later',
        of((_key: unknown, verify: (ok: boolean) => void) => void setImmediate(verify, true)),
      )
      await attempt(
        stage,
        'denies later',
        of((_key: unknown, verify: (ok: boolean) => void) => void setImmediate(verify, false)),
      )
      await attempt(
        stage,
        'hashed',
        of((hash: unknown) => (seen(hash), true), 'sha256'),
      )
    })
  })

  test('what is wrong at once', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      thrown(stage, 'no user', { username: undefined })
      thrown(stage, 'no key', { privateKey: 'no key at all' })
      thrown(stage, 'no agent', { agentForward: true })
      thrown(stage, 'algorithm', { algorithms: { cipher: ['no-such-cipher'] } })
      thrown(stage, 'appended algorithm', { algorithms: { kex: { append: 'no-such-kex' } } })
      thrown(stage, 'port', { port: 288_642 })
      const idle = new stage.ssh2.Client()
      for (const call of calls)
        stage.note(
          'not connected',
          thrownBy(() => call(idle)),
        )
      const ended = await stage.connect()
      ended.end()
      for (const call of calls)
        stage.note(
          'ended',
          thrownBy(() => call(ended)),
        )
      await once(ended, 'close')
    })
  })

  test('what waits when the connection ends', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { note } = stage
      const client = await stage.connect()
      client.on('close', () => note('order', 'close'))
      const calls_ = calls.map((call) => outcome((done) => call(client, done)))
      client.destroy()
      note('answers', await Promise.all(calls_))
    })
  })

  test('a client that is used again', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, config, note }) => {
      const client = await connect()
      for (const event of events) client.on(event, () => note('again', event))
      const ready = once(client, 'ready')
      client.connect(config)
      await ready
      note('works', (await outcome((done) => client.exec('true', done))) instanceof Error)
      client.end()
      await once(client, 'close')
      client.connect(config)
      await once(client, 'ready')
    })
  })

  test('a stream of the program in place of a socket', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { host, port, ...rest } = stage.config
      const connected = tcp(Number(port), host)
      await once(connected, 'connect')
      await attempt(stage, 'connected', { ...rest, sock: connected })
      await attempt(stage, 'connecting', { ...rest, sock: tcp(Number(port), host) })
    })
  })

  test('handshake and hostkeys tell the same of a connection', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const algorithms = { kex: ['curve25519-sha256'], cipher: ['aes128-ctr'], hmac: ['hmac-sha2-256'] }
    const seen = await compare(t, server, async ({ ssh2, config, note }) => {
      const client = new ssh2.Client()
      client.on('handshake', ({ cs, sc, kex, serverHostKey }) => note('handshake', { cs, sc, kex, serverHostKey }))
      const keys = once(client, 'hostkeys')
      client.connect({ ...config, algorithms })
      const [shown] = (await keys) as [readonly { type: string }[]]
      note(
        'hostkeys',
        shown.map(({ type }) => type),
      )
      client.end()
      await once(client, 'close')
    })
    assert.equal(seen['handshake']?.length, 1)
  })
})

type Done = (error: Error | null | undefined, result?: unknown) => void

const calls: readonly ((client: Client, done?: Done) => void)[] = [
  (client, done = () => {}) => client.exec('true', done),
  (client, done = () => {}) => client.shell(done),
  (client, done = () => {}) => client.subsys('sftp', done),
  (client, done = () => {}) => client.sftp(done),
  (client, done = () => {}) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 1, done),
  (client, done = () => {}) => client.forwardIn('127.0.0.1', 0, done),
]

function thrownBy(work: () => unknown): unknown {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return error
  }
}
