// Holdfast on both sides, with the relay between: what the demonstration and the tests of users stand on.
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { type Client, type ConnectOptions, connect } from 'holdfast'
import { type BadNetwork, badNetwork, type ServerOptions, startServer, type TestServer } from 'holdfast/testing'
import { eventually } from './support/eventually.js'

describe('connect() to the embedded server through the relay', () => {
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
      ...settings,
    })
  }

  afterEach(async () => {
    await ssh.close()
    await network.close()
    await server.close()
    assert.deepEqual(server.processes(), [])
  })

  test('trusts it by its fingerprint, and runs a command', async () => {
    await start({
      exec: ({ command, stdout, stderr }) => {
        stdout.write(`ran ${String(command)}`)
        stderr.write('and said so')
        return 7
      },
    })
    const { stdout, stderr, exitCode } = await ssh.exec('something')
    assert.deepEqual([stdout, stderr, exitCode], ['ran something', 'and said so', 7])
  })

  test('keeps a connection in the memory of a network that forgets, and loses it without a keepalive', async () => {
    await start({ exec: ({ stdout }) => void stdout.write('alive') }, { keepalive: { interval: 200 } })
    network.forget({ idleMs: 2000 })
    const kept = network.connections[0]
    await eventually(
      'the connection idles on',
      () => (network.connections[0]?.passed.toServer ?? 0) > (kept?.passed.toServer ?? 0) + 300,
    )
    assert.equal(network.connections[0]?.state, 'open')
    assert.equal((await ssh.exec('still there?')).stdout, 'alive')
    ssh.keepalive.configure({ interval: '1h' })
    await eventually('the network forgot it', () => network.connections[0]?.state === 'forgotten')
    await assert.rejects(ssh.exec('still there?', { timeout: 300 }), { code: 'ERR_SSH_TIMEOUT' })
  })

  test('finds out that a frozen server is dead, although TCP is well', async () => {
    await start(
      { exec: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(0))) },
      { keepalive: { interval: 100, countMax: 2 } },
    )
    const running = ssh.exec('for ever')
    await eventually('the command runs', () => server.connections[0]?.sessions === 1)
    server.freeze()
    await assert.rejects(running, { code: 'ERR_SSH_PEER_DEAD' })
    server.thaw()
  })

  test('finds out that the network is cut', async () => {
    await start({}, { keepalive: { interval: 100, countMax: 2 } })
    network.cut()
    assert.equal((await ssh.closed)?.code, 'ERR_SSH_PEER_DEAD')
  })

  const skip = process.platform === 'win32' ? 'sleep is a command of POSIX' : false
  test('ends a command at its limit, on the remote side too', { skip }, async () => {
    await start({ shell: true })
    const running = ssh.exec('sleep 30000; true', { timeout: 1000 })
    await eventually('the command runs', () => server.processes().length === 1)
    await assert.rejects(running, { code: 'ERR_SSH_TIMEOUT', remote: 'terminated' })
    await eventually('nothing of it runs', () => server.processes().length === 0)
  })

  test('says that a command may run on, where signals are dropped and no other way is left', { skip }, async () => {
    await start({ shell: { signals: 'ignore' }, maxSessions: 1 })
    await assert.rejects(ssh.exec('sleep 30000; true', { timeout: 300 }), {
      code: 'ERR_SSH_TIMEOUT',
      remote: 'abandoned',
    })
    assert.equal(server.processes().length, 1)
  })

  test('is not held up by a slow link: what is slow is no reason for a verdict', async () => {
    await start(
      { exec: ({ stdout }) => void stdout.end(Buffer.alloc(600_000, 'x')) },
      { keepalive: { interval: 150, countMax: 2 } },
    )
    // A packet of 32 KiB takes 160 ms.
    network.rate({ bytesPerSecond: 200_000 })
    const { stdout } = await ssh.exec('download')
    assert.equal(stdout.length, 600_000)
  })
})
