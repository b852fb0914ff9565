import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, type TestContext, test } from 'node:test'
import { type Client, type ConnectOptions, connect, type HoldfastError, type Hop } from 'holdfast'
import { leavesNothing } from '../promises/support/leaks.js'
import { assertWithin, failure } from '../promises/support/outcome.js'
import { signalConnections } from '../promises/support/signals.js'
import { socketsTo, untilNoSockets } from '../promises/support/sockets.js'
import { everyAvailability, skipReason } from '../servers/availability.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'

leavesNothing()

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 60_000

const skip = skipReason(await everyAvailability([prepareSshd('9.2'), prepareSshd('10')]))
const keepalive = { interval: 400, countMax: 3 }
const boundMs = 1600
/** Of a machine that has much else to do. */
const slackMs = 4000

async function account({ host, port, username, clientKeys }: SshdServer): Promise<ConnectOptions> {
  const privateKey = await readFile(clientKeys.ed25519.privateKey)
  return { host, port, username, privateKey, agent: false, hostKey: { policy: 'off' }, keepalive }
}

async function open(t: TestContext, server: SshdServer, proxyJump: Hop | readonly Hop[]): Promise<Client> {
  const ssh = await connect({ ...(await account(server)), proxyJump })
  t.after(() => ssh.close())
  return ssh
}

interface Chain {
  readonly near: SshdServer
  readonly middle: SshdServer
  readonly far: SshdServer
}

async function chain(t: TestContext): Promise<Chain> {
  const [near, middle, far] = await Promise.all([
    sshd(t, { version: '9.2' }),
    sshd(t, { version: '10' }),
    sshd(t, { version: '9.2' }),
  ])
  return { near, middle, far }
}

async function overTwo(t: TestContext, { near, middle, far }: Chain): Promise<Client> {
  return open(t, far, [await account(near), await account(middle)])
}

const nameOf = ({ host, port }: SshdServer): string => `${host}:${port}`

describe('hops', { skip }, () => {
  test('two lead to a target, and end with it', { timeout }, async (t) => {
    const servers = await chain(t)
    const ssh = await overTwo(t, servers)
    const { stdout } = await ssh.exec('echo $SSH_CONNECTION')
    assert.ok(stdout.trim().endsWith(` ${servers.far.port}`))
    assert.equal((await socketsTo(servers.near.port)).length, 1)
    await ssh.close()
    await untilNoSockets(servers.near.port)
  })

  for (const which of ['near', 'middle'] as const) {
    test(`the ${which} one is named when it is dead, within the bound`, { timeout }, async (t) => {
      const servers = await chain(t)
      const ssh = await overTwo(t, servers)
      const running = (await ssh.spawn('sleep 3000')).exited
      await signalConnections(servers[which], 'SIGSTOP')
      const { error, tookMs } = await failure(running)
      assert.deepEqual(
        [error.code, error.phase, error.host, error.hop],
        ['ERR_SSH_PEER_DEAD', 'ready', nameOf(servers.far), nameOf(servers[which])],
      )
      assert.ok(error.message.includes(`the hop ${nameOf(servers[which])} on the way to ${nameOf(servers.far)}`))
      assertWithin(tookMs, [boundMs - 600, boundMs + slackMs])
      await ssh.close()
      await untilNoSockets(servers.near.port)
    })
  }

  test('no one is named when the target itself is dead', { timeout }, async (t) => {
    const servers = await chain(t)
    const ssh = await overTwo(t, servers)
    await signalConnections(servers.far, 'SIGSTOP')
    const { code, hop, host } = await ssh.closed
    assert.deepEqual([code, hop, host], ['ERR_SSH_PEER_DEAD', undefined, nameOf(servers.far)])
  })

  test('one that refuses the login is named, with the phase', { timeout }, async (t) => {
    const { near, middle, far } = await chain(t)
    const stranger = { ...(await account(middle)), username: 'nobody-of-that-name' }
    const { error } = await failure(open(t, far, [await account(near), stranger]))
    assert.deepEqual(
      [error.code, error.phase, error.hop, error.host],
      ['ERR_SSH_AUTHENTICATION', 'authentication', nameOf(middle), nameOf(far)],
    )
  })

  test('one that does not get through to the next is named', { timeout }, async (t) => {
    const [near, far] = await Promise.all([
      sshd(t, { version: '10', config: { AllowTcpForwarding: 'no' } }),
      sshd(t, { version: '9.2' }),
    ])
    const { error } = await failure(open(t, far, await account(near)))
    assert.deepEqual([error.code, error.phase, error.hop], ['ERR_SSH_CHANNEL_OPEN', 'channelOpen', nameOf(near)])
  })

  test('a client in use leads on, and is not closed', { timeout }, async (t) => {
    const [near, far] = await Promise.all([sshd(t, { version: '10' }), sshd(t, { version: '9.2' })])
    const jump = await connect(await account(near))
    t.after(() => jump.close())
    const targets = await Promise.all([open(t, far, jump), open(t, far, jump)])
    await Promise.all(targets.map((ssh) => ssh.close()))
    assert.equal((await jump.exec('true')).exitCode, 0)
    assert.deepEqual(jump.stats().channels, [])

    const last = await open(t, far, jump)
    await jump.close()
    const { code, hop } = await last.closed
    assert.deepEqual([code, hop], ['ERR_SSH_CONNECTION_LOST', nameOf(near)])
  })

  test('one that falls silent while the target is logged in to is named', { timeout }, async (t) => {
    const [near, far] = await Promise.all([sshd(t, { version: '10' }), sshd(t, { version: '9.2' })])
    const jump = await connect({ ...(await account(near)), keepalive: { interval: '1h' } })
    t.after(() => jump.close({ timeout: 1 }))
    process.kill(far.pid, 'SIGSTOP')
    const limits = { identification: '5s' } as const
    const pending = failure(connect({ ...(await account(far)), proxyJump: jump, limits }))
    while (jump.stats().channels.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await signalConnections(near, 'SIGSTOP')
    const { error } = await pending
    assert.deepEqual(
      [error.code, error.limit, error.phase, error.hop],
      ['ERR_SSH_TIMEOUT', 'identification', 'identification', nameOf(near)],
    )
  })
})

async function refused(options: ConnectOptions): Promise<HoldfastError> {
  return (await failure(connect({ host: 'host', ...options }))).error
}

test('only the first hop may have a way of its own, and nothing is opened where a later one has', async () => {
  const later = await refused({ proxyJump: ['near', { host: 'far', proxyCommand: 'nc' }] })
  assert.equal(later.code, 'ERR_SSH_OPTION')
  assert.match(later.message, /only the first hop/)
  const two = await refused({ proxyJump: 'near', proxyCommand: 'nc' })
  assert.match(two.message, /proxyJump and proxyCommand: give one of them/)
  assert.match((await refused({ proxyJump: [''] })).message, /proxyJump must be a target/)
})
