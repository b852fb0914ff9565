// What an administrator sets holds for programs of ssh2, which know nothing of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setDefaults } from 'holdfast'
import type { Channel, ConnectConfig } from 'holdfast/ssh2'
import type { SessionHandler, TestServer } from 'holdfast/testing'
import { server as embedded } from '../promises/support/embedded.js'
import { startAgent } from '../servers/agent.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { running, sshd } from '../session/sshd.js'
import { configOf, dropIn, ready, value, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

/** A limit that no command here comes near. */
function limited(t: TestContext): void {
  setDefaults({ limits: { timeout: '10m' } })
  t.after(() => setDefaults({}))
}

const configAt = ({ host, port }: TestServer): ConnectConfig => ({ host, port, username: 'deploy', password: 'secret' })

test('a command ends at a limit that a policy sets, on the server too', { skip, timeout: 120_000 }, async (t) => {
  t.after(() => setDefaults({}))
  const server = await sshd(t, { version: '9.2' })
  setDefaults({ limits: { timeout: '10m' } })
  const patient = await ready(t, dropIn, await configOf(server))
  const short = await value<Channel>((done) => patient.exec('cat; echo err >&2; exit 3', done))
  short.end('in')
  const [output, errors]: [string[], string[]] = [[], []]
  short.on('data', (data: Buffer) => output.push(data.toString()))
  short.stderr.on('data', (data: Buffer) => errors.push(data.toString()))
  assert.deepEqual(await once(short, 'close'), [3])
  assert.deepEqual([output.join(''), errors.join('')], ['in', 'err\n'])
  setDefaults({ limits: { timeout: '5s' } })
  const client = await ready(t, dropIn, await configOf(server))
  const long = await value<Channel>((done) => client.exec('sleep 30000', done))
  const closed = new Promise<void>((resolve) => void long.once('close', () => resolve()))
  const [error] = (await within(once(long.resume(), 'error'), 'the limit')) as [Error & { code: string }]
  assert.equal(error.code, 'ERR_SSH_TIMEOUT')
  await within(closed, 'close')
  assert.deepEqual(
    (await running(server)).filter(({ command }) => command.includes('sleep')),
    [],
  )
})

test('under a limit too, the agent is lent only to a command that asks for it', {
  skip,
  timeout: 120_000,
}, async (t) => {
  limited(t)
  const server = await sshd(t, { version: '9.2' })
  const agent = await startAgent([server.clientKeys.ed25519.privateKey])
  t.after(() => agent.stop())
  const client = await ready(t, dropIn, { ...(await configOf(server)), agent: agent.socket })
  const show = 'echo "[$SSH_AUTH_SOCK]"'
  const plain = await value<Channel>((done) => client.exec(show, done))
  assert.equal(await text(plain), '[]\n')
  const lent = await value<Channel>((done) => client.exec(show, { agentForward: true }, done))
  assert.match(await text(lent), /^\[\/.+\]\n$/)
})

test('under a limit too, a terminal has the modes that it is to have', { skip, timeout: 120_000 }, async (t) => {
  limited(t)
  const client = await ready(t, dropIn, await configOf(await sshd(t, { version: '9.2' })))
  const pty = { modes: { ECHO: 0, no_such_mode: 1 } }
  const stream = await value<Channel>((done) => client.exec('stty -a', { pty }, done))
  assert.match(await text(stream), / -echo[ ;]/)
})

test('under a limit too, no output is lost', { timeout: 120_000 }, async (t) => {
  limited(t)
  // More than may wait for the program; less than that and half of a window, which the server may send in any case.
  const bytes = 2_800_000
  const exec: SessionHandler = async ({ command, stdout }) => {
    if (command !== 'much') return void stdout.write('little')
    for (let left = bytes; left > 0; left -= 50_000)
      if (!stdout.write(Buffer.alloc(50_000, 'x'))) await once(stdout, 'drain')
    return 7
  }
  const client = await ready(t, dropIn, configAt(await embedded(t, { exec })))
  for (let attempt = 0; attempt < 10; attempt++)
    assert.equal(await text(await value<Channel>((done) => client.exec('little', done))), 'little')
  const much = await value<Channel>((done) => client.exec('much', done))
  const closed = once(much, 'close')
  // All of it has come before the program reads any of it.
  while (much.incoming.state === 'open') await setImmediate()
  assert.equal((await text(much)).length, bytes)
  assert.deepEqual(await closed, [7])
})

test('under a limit too, a program may close its stream, and say nothing of its window', {
  timeout: 120_000,
}, async (t) => {
  limited(t)
  const client = await ready(t, dropIn, configAt(await embedded(t)))
  const stream = await value<Channel>((done) => client.exec('cat', { pty: { rows: 0, cols: 0 } }, done))
  const errors: unknown[] = []
  stream.on('error', (error) => errors.push(error))
  stream.setWindow(0, 0, 0, 0)
  const closed = once(stream.resume(), 'close')
  stream.close()
  await closed
  assert.deepEqual(errors, [])
})

test('a default of the process holds where the program sets no readyTimeout, and ssh2 has 20 s where there is none', {
  timeout: 60_000,
}, async (t) => {
  t.after(() => setDefaults({}))
  const config = configAt(await embedded(t))
  const limit = async (name: string, further: ConnectConfig) => {
    const client = await ready(t, dropIn, { ...config, ...further })
    return client.stats()?.policy.options[`limits.${name}`]?.value
  }
  assert.equal(await limit('connect', {}), 20_000)
  setDefaults({ limits: { connect: '40s' } })
  assert.equal(await limit('connect', {}), 40_000)
  assert.equal(await limit('authentication', {}), 20_000)
  assert.equal(await limit('connect', { readyTimeout: 50_000 }), 50_000)
  assert.equal(await limit('connect', { readyTimeout: 0 }), 40_000)
})
