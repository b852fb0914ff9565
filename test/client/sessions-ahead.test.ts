/** The option `sessionsAhead`, through `connect()`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, connect, HoldfastError } from 'holdfast'
import { client, network, server } from '../promises/support/embedded.js'

const limit = { timeout: 60_000 }

/** Waits until so many channels are open. */
async function channels(ssh: Client, count: number): Promise<void> {
  while (ssh.stats().channels.length !== count) await sleep(5)
}

test('a session is there before a command asks for one, and another after it', limit, async (t) => {
  const ssh = await client(t, await server(t), { sessionsAhead: 1 })
  await channels(ssh, 1)
  assert.equal(ssh.stats().sessions.open, 0)
  for (const word of ['one', 'two']) {
    const { stdout } = await ssh.exec(`echo ${word}`)
    assert.equal(stdout.trim(), word)
    await channels(ssh, 1)
  }
})

test('by default there is none', limit, async (t) => {
  const ssh = await client(t, await server(t))
  await ssh.exec('echo one')
  await channels(ssh, 0)
})

test('a server with one place for a session runs one command after the other all the same', limit, async (t) => {
  const ssh = await client(t, await server(t, { maxSessions: 1 }), { sessionsAhead: 1 })
  const results = await Promise.all(['one', 'two', 'three'].map((word) => ssh.exec(`echo ${word}`)))
  assert.deepEqual(
    results.map(({ stdout }) => stdout.trim()),
    ['one', 'two', 'three'],
  )
})

test('with `reconnect` the next connection has one too', limit, async (t) => {
  const relay = await network(t, await server(t))
  const ssh = await client(t, relay, { sessionsAhead: 1, reconnect: { minDelay: 10, maxDelay: 100 } })
  await channels(ssh, 1)
  const again = new Promise((resolve) => ssh.once('reconnected', resolve))
  relay.reset()
  await again
  await channels(ssh, 1)
  assert.equal((await ssh.exec('echo again')).stdout.trim(), 'again')
})

test('only a whole number from 0 to 10 will do', limit, async () => {
  for (const sessionsAhead of [-1, 1.5, 11]) {
    await assert.rejects(
      connect('deploy@127.0.0.1', { sessionsAhead }),
      (error) =>
        error instanceof HoldfastError && error.code === 'ERR_SSH_OPTION' && /sessionsAhead/.test(error.message),
    )
  }
})
