import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, CommandError, type ConnectOptions, connect, type HoldfastError } from 'holdfast'
import type { BadNetwork } from 'holdfast/testing'
import { network } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { failure } from '../../promises/support/outcome.js'
import { signalConnections } from '../../promises/support/signals.js'
import { socketsTo, untilNoSockets } from '../../promises/support/sockets.js'
import { everyAvailability, skipReason } from '../../servers/availability.js'
import { prepareSshd, type SshdOptions, type SshdServer } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'

leavesNothing()

const skip = skipReason(await everyAvailability([prepareSshd('9.2'), prepareSshd('10')]))
const reconnect = { minDelay: 20, maxDelay: 200 } as const
const timeout = 90_000

async function account(server: SshdServer, options: ConnectOptions = {}): Promise<ConnectOptions> {
  const { host, port, username, clientKeys } = server
  const privateKey = await readFile(clientKeys.ed25519.privateKey)
  return { host, port, username, privateKey, agent: false, hostKey: { policy: 'off' }, ...options }
}

async function open(t: TestContext, options: ConnectOptions): Promise<Client> {
  const ssh = await connect(options)
  t.after(() => ssh.close())
  return ssh
}

/** Started anew at the same port, as after a reboot. */
function again(t: TestContext, { port }: SshdServer, options: SshdOptions): Promise<SshdServer> {
  return sshd(t, { ...options, port })
}

for (const version of ['9.2', '10'] as const) {
  describe(`over sshd ${version}`, { skip, concurrency: true, timeout }, () => {
    test('a client is there again once sshd is started again', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await open(t, await account(server, { reconnect }))
      const running = failure(ssh.exec('sleep 3000'))
      await ssh.exec('true')
      await server.stop()
      const { error } = await running
      assert.ok(error instanceof CommandError)
      assert.deepEqual([error.code, error.delivery, error.remote], ['ERR_SSH_CONNECTION_LOST', 'ran', 'unknown'])
      const call = ssh.exec('echo again')
      await again(t, server, { version })
      assert.equal((await call).stdout, 'again\n')
    })

    test('a client stops at once where the host has another key', async (t) => {
      const server = await sshd(t, { version, hostKeys: ['ed25519'] })
      const folder = await mkdtemp(path.join(tmpdir(), 'reconnect-'))
      t.after(() => rm(folder, { recursive: true }))
      const file = path.join(folder, 'known_hosts')
      await writeFile(file, '')
      const hostKey = { knownHosts: [file], policy: 'accept-new' } as const
      const ssh = await open(t, await account(server, { reconnect, hostKey }))
      const attempts: number[] = []
      ssh.on('reconnecting', ({ attempt }) => attempts.push(attempt))
      await server.stop()
      // A call that comes before the loss is known fails with it. Each attempt that fails is told of too.
      await once(ssh, 'reconnecting')
      const call = failure(ssh.exec('true'))
      // As if the one that was known were that of the machine before.
      await replaceKey(file, server)
      await again(t, server, { version })
      const cause = await ssh.closed
      assert.equal(cause.code, 'ERR_SSH_HOST_KEY_CHANGED')
      assert.equal((await call).error.code, 'ERR_SSH_HOST_KEY_CHANGED')
      const { length } = attempts
      await pause(500)
      assert.equal(attempts.length, length)
    })

    test('a client stops at once where its account is gone', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await open(t, await account(server, { reconnect }))
      await server.stop()
      await once(ssh, 'reconnecting')
      await again(t, server, { version, authorizedKeys: '' })
      const { code } = await ssh.closed
      assert.equal(code, 'ERR_SSH_AUTHENTICATION')
    })

    test('hops are dialled again with their target', async (t) => {
      const [near, far] = await Promise.all([sshd(t, { version }), sshd(t, { version: '9.2' })])
      const relay = await network(t, near)
      const hop = { ...(await account(near)), port: relay.port }
      const ssh = await open(t, await account(far, { reconnect, proxyJump: hop }))
      for (let count = 0; count < 3; count++) {
        const back = once(ssh, 'reconnected')
        relay.reset()
        await back
        assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
      }
      assert.equal((await socketsTo(relay.port)).length, 1)
      await ssh.close()
      await untilNoSockets(relay.port)
    })

    test('the target alone is dialled again behind a client of the program’s own', async (t) => {
      const [near, far] = await Promise.all([sshd(t, { version }), sshd(t, { version: '9.2' })])
      const hop = await open(t, await account(near))
      const ssh = await open(t, await account(far, { reconnect, proxyJump: hop }))
      const back = once(ssh, 'reconnected')
      await signalConnections(far, 'SIGKILL')
      await back
      assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
      await hop.close()
      const cause = await ssh.closed
      assert.equal(cause.code, 'ERR_SSH_CLOSED')
      assert.equal(cause.hop, `${near.host}:${near.port}`)
    })

    test('a client that reconnects carries others', async (t) => {
      const [near, far] = await Promise.all([sshd(t, { version }), sshd(t, { version: '9.2' })])
      const relay = await network(t, near)
      const hop = await open(t, { ...(await account(near, { reconnect })), port: relay.port })
      const ssh = await open(t, await account(far, { reconnect, proxyJump: hop }))
      const back = once(ssh, 'reconnected')
      relay.reset()
      await back
      assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
      assert.equal(hop.state, 'connected')
    })

    test('no command is run twice, and none of them is lost count of, wherever the connection breaks', async (t) => {
      const server = await sshd(t, { version })
      const relay = await network(t, server)
      const folder = await mkdtemp(path.join(tmpdir(), 'reconnect-'))
      t.after(() => rm(folder, { recursive: true, force: true }))
      const log = path.join(folder, 'log')
      await appendFile(log, '', { mode: 0o666 })
      await Promise.all([chmod(folder, 0o777), chmod(log, 0o666)])
      const ssh = await open(t, { ...(await account(server, { reconnect })), port: relay.port })
      let isOver = false
      const breaking = breakUntil(() => isOver, ssh, relay)
      const outcomes = new Map<number, 'done' | NonNullable<HoldfastError['delivery']>>()
      const count = 60
      try {
        await Promise.all(
          Array.from({ length: 6 }, async (_, worker) => {
            for (let n = worker; n < count; n += 6) {
              try {
                await ssh.exec(`echo ${n} >> ${log}`, { check: true })
                outcomes.set(n, 'done')
              } catch (error) {
                assert.ok(error instanceof CommandError, String(error))
                outcomes.set(n, error.delivery)
              }
            }
          }),
        )
      } finally {
        isOver = true
        await breaking
      }
      assert.equal(outcomes.size, count)
      // Whatever is still under way there ends in order. By a client of its own: the last reset may show only now.
      const other = await open(t, await account(server))
      await other.exec('sleep 0.5')
      const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '')
      assert.equal(new Set(lines).size, lines.length, 'a command ran twice')
      for (const [n, outcome] of outcomes) {
        const ran = lines.includes(`${n}`)
        if (outcome === 'done') assert.ok(ran, `${n} was done, and did not run`)
        if (outcome === 'not-sent') assert.ok(!ran, `${n} was not sent, and ran`)
      }
      assert.ok((ssh.stats().reconnect?.connections ?? 0) > 1)
    })
  })
}

/**
 * Breaks the connection again and again, now in a login and now once it stands. Not by the clock alone: of logins that take
 * a busy machine longer than that, none would ever come to its end.
 */
async function breakUntil(isOver: () => boolean, ssh: Client, relay: BadNetwork): Promise<void> {
  while (!isOver()) {
    const back = once(ssh, 'reconnected')
    relay.reset()
    await pause(30)
    relay.reset()
    await back
    await pause(150)
  }
}

/** Gives the file another key for the server than it has. */
async function replaceKey(file: string, server: SshdServer): Promise<void> {
  const other = await readFile(server.clientKeys.ed25519.publicKey, 'utf8')
  const [type, key] = other.split(' ')
  await writeFile(file, `[${server.host}]:${server.port} ${type} ${key}\n`)
}
