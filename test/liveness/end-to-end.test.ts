// The engine in a whole connection, over loopback and in real time: short intervals, wide bounds.
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, type ConnectOptions, connect, type HoldfastError } from 'holdfast'
import { type BadNetwork, badNetwork, type ServerOptions, startServer, type TestServer } from 'holdfast/testing'

const interval = 200
const keepalive = { interval, countMax: 3 }
const bound = 4 * interval
/** A busy machine may be late several times, and each time costs another interval. */
const atMost = 5 * bound

describe('keepalive of a real connection', () => {
  let server: TestServer
  let network: BadNetwork
  let ssh: Client

  async function start(options: Partial<ServerOptions>, settings: ConnectOptions = {}): Promise<void> {
    server = await startServer({ users: { deploy: { password: 'secret' } }, ...options })
    network = await badNetwork({ to: server })
    ssh = await connect({
      host: network.host,
      port: network.port,
      username: 'deploy',
      password: 'secret',
      hostKey: { fingerprints: [server.hostKey.fingerprint] },
      keepalive,
      ...settings,
    })
  }

  afterEach(async () => {
    await ssh.close()
    await network.close()
    await server.close()
  })

  test('an idle connection stays alive, and its round trip is known', async () => {
    await start({})
    await pause(3 * bound)
    const { state, bound: promised, rttMs } = ssh.liveness
    assert.deepEqual([state, promised], ['alive', bound])
    assert.ok(rttMs !== null && rttMs < bound)
  })

  test('a vanished peer is suspect, then dead within the bound, and evidence says what was seen', async () => {
    await start({ exec: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(0))) })
    const states: string[] = []
    ssh.on('liveness', ({ to }) => states.push(to))
    const running = ssh.exec('for ever')
    await pause(2 * interval)
    network.cut()
    const cutAt = performance.now()
    const error = await failure(running)
    const took = performance.now() - cutAt
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assert.ok(took >= 2 * interval && took < atMost, `after ${took} ms`)
    assert.ok((error.evidence?.lastHeardMs ?? 0) >= bound)
    assert.ok((error.evidence?.probesUnanswered ?? 0) >= 3)
    assert.equal(states[0], 'suspect')
    assert.deepEqual(states.slice(-1), ['dead'])
  })

  test('a peer that we hear and that does not hear us is found out', async () => {
    await start({ exec: trickle })
    const running = ssh.exec('trickle')
    await pause(2 * interval)
    network.swallow({ direction: 'toServer' })
    const error = await failure(running)
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assert.match(error.message, /does not hear us/)
    assert.ok((error.evidence?.lastHeardMs ?? bound) < bound)
  })

  test('a server that answers no probe is not cut, idle as it is, and still works', async () => {
    await start({ answerKeepalives: false, exec: ({ stdout }) => void stdout.write('here') })
    await pause(3 * bound)
    assert.equal(ssh.liveness.bound, null)
    assert.equal((await ssh.exec('still there?')).stdout, 'here')
  })

  test('a download over a full link is not cut, though answers come seconds late', async () => {
    const bytes = 1_200_000
    await start({ exec: ({ stdout }) => void stdout.write(Buffer.alloc(bytes)) })
    network.rate({ bytesPerSecond: 400_000, direction: 'toClient' })
    const { stdout } = await ssh.exec('download', { encoding: 'buffer' })
    assert.equal(stdout.length, bytes)
  })

  test('an event loop blocked for longer than the bound kills nothing', async () => {
    await start({ exec: ({ stdout }) => void stdout.write('here') })
    await pause(interval / 2)
    const until = performance.now() + 3 * bound
    while (performance.now() < until);
    await pause(bound)
    assert.equal((await ssh.exec('still there?')).stdout, 'here')
  })
})

async function trickle({ stdout, signal }: Parameters<NonNullable<ServerOptions['exec']>>[0]): Promise<void> {
  while (!signal.aborted) {
    stdout.write('.')
    await pause(interval / 4)
  }
}

async function failure(promise: Promise<unknown>): Promise<HoldfastError> {
  try {
    await promise
  } catch (error) {
    // The test that asks looks at the code, which nothing else has.
    return error as HoldfastError
  }
  throw new Error('it did not fail')
}
