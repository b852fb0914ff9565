import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Tunnel } from 'holdfast'
import { AbstractConnector, Redis } from 'ioredis'
import { closed } from '../forward/local-servers.js'
import { signalConnections } from '../promises/support/signals.js'
import { everyAvailability, skipReason } from '../servers/availability.js'
import { prepareRedis, type RedisServer, startRedis } from '../servers/redis.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 60_000

const skip = skipReason(await everyAvailability([prepareRedis(), prepareSshd('10')]))

describe('Redis through a tunnel, by ioredis', { skip }, () => {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  /** A client whose every connection is a tunnel. */
  function database(t: TestContext, ssh: Client, options: { readonly retryStrategy?: () => null } = {}) {
    const tunnels: Tunnel[] = []
    class Connector extends AbstractConnector {
      constructor() {
        super(2000)
      }

      async connect(): Promise<Socket> {
        const tunnel = await ssh.connectTo({ host: server.host, port: server.port }, { allowHalfOpen: false })
        tunnels.push(tunnel)
        // Its types want a socket; what it uses of one a tunnel has.
        this.stream = tunnel as unknown as Socket
        return this.stream
      }
    }
    const redis = new Redis({ Connector, password: server.password, ...options })
    const errors: unknown[] = []
    redis.on('error', (error) => errors.push(error))
    t.after(() => redis.disconnect())
    return { redis, tunnels, errors }
  }

  test('is asked, and left in order', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { redis, tunnels, errors } = database(t, ssh)
    const long = 'x'.repeat(5_000_000)
    await redis.set('key', long)
    assert.equal(await redis.get('key'), long)
    const many = await Promise.all(Array.from({ length: 1000 }, (_, index) => redis.incrby('count', index)))
    assert.equal(many.at(-1), 499_500)
    await redis.quit()
    for (const tunnel of tunnels) await closed(tunnel)
    assert.deepEqual([tunnels.length, tunnels[0]?.errored, errors], [1, null, []])
  })

  test('passes messages from one client to another', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { redis: listener } = database(t, ssh)
    const { redis: speaker } = database(t, ssh)
    await listener.subscribe('news')
    const message = once(listener, 'message')
    await speaker.publish('news', 'hello')
    assert.deepEqual(await message, ['news', 'hello'])
  })

  test('gets a new tunnel when one broke off, and goes on', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { redis, tunnels } = database(t, ssh)
    await redis.set('kept', 'yes')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => {})
    assert.equal(await redis.get('kept'), 'yes')
    assert.equal(tunnels.length, 2)
  })

  test('fails with the cause when the SSH server goes silent while it is waited for', { timeout }, async (t) => {
    const gate = await sshd(t, { version: '10' })
    const ssh = await login(t, gate, { keepalive: { interval: 300, countMax: 2 } })
    const { redis, tunnels, errors } = database(t, ssh, { retryStrategy: () => null })
    await redis.ping()
    const waiting = assert.rejects(redis.blpop('never', 0), /Connection is closed/)
    await sleep(100)
    await signalConnections(gate, 'SIGSTOP')
    await waiting
    assert.equal((await ssh.closed).code, 'ERR_SSH_PEER_DEAD')
    assert.equal(tunnels[0]?.errored, await ssh.closed)
    assert.equal(errors[0], await ssh.closed)
    await assert.rejects(redis.ping(), /Connection is closed/)
  })
})
