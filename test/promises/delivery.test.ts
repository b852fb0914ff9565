/** What an error says of whether the server has run what a call asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError, HoldfastError } from 'holdfast'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'

leavesNothing()

const timeout = 30_000

/** What its error says of a call. */
async function told(call: Promise<unknown>): Promise<readonly [code: string, delivery: unknown, remote: unknown]> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof HoldfastError, `it gave ${String(error)}`)
  return [error.code, error.delivery, error instanceof CommandError ? error.remote : undefined]
}

test('a call that was never sent has run nothing', { timeout }, async (t) => {
  const relay = await network(t, await server(t))
  const ssh = await client(t, relay, { keepalive: { interval: 400, countMax: 1 } })
  assert.deepEqual(await told(ssh.exec('true', { maxBuffer: -1 })), ['ERR_SSH_OPTION', 'not-sent', undefined])
  assert.deepEqual(await told(ssh.exec('true', { timeout: 'soon' })), ['ERR_SSH_OPTION', 'not-sent', undefined])
  const aborted = ssh.spawn('true', { signal: AbortSignal.abort() })
  assert.deepEqual(await told(aborted), ['ERR_SSH_ABORTED', 'not-sent', 'not-started'])
  relay.cut()
  assert.deepEqual(await told(ssh.exec('true')), ['ERR_SSH_PEER_DEAD', 'not-sent', 'not-started'])
  assert.deepEqual(await told(ssh.exec('true')), ['ERR_SSH_PEER_DEAD', 'not-sent', 'not-started'])
})

test('what the server refuses has not run', { timeout }, async (t) => {
  const ssh = await client(t, await server(t, { maxSessions: 1 }))
  assert.deepEqual(await told(ssh.subsystem('nothing')), ['ERR_SSH_REQUEST_REFUSED', 'not-sent', 'not-started'])
  await assert.rejects(
    ssh.subsystem('nothing'),
    /^HoldfastError: .*refused the subsystem request: the subsystem nothing;/,
  )
  const first = await ssh.spawn('cat')
  const second = ssh.exec('true', { timeout: 100 })
  assert.deepEqual(await told(second), ['ERR_SSH_TIMEOUT', 'not-sent', 'not-started'])
  first.stdin.end()
  await first.exited
})

test('whether a request that got no answer was carried out is not known', { timeout }, async (t) => {
  let runs = 0
  const started = await server(t, {
    exec: () => {
      runs++
      relay.reset()
    },
  })
  const relay = await network(t, started)
  const ssh = await client(t, relay)
  // The answer is on its way when the connection is reset.
  relay.delay({ ms: 300, direction: 'toClient' })
  assert.deepEqual(await told(ssh.exec('anything')), ['ERR_SSH_CONNECTION_LOST', 'unknown', 'unknown'])
  assert.equal(runs, 1)
})

test('what the server granted has run, whatever became of it', { timeout }, async (t) => {
  const relay = await network(t, await server(t))
  const ssh = await client(t, relay)
  assert.deepEqual(await told(ssh.exec('exit 3', { check: true })), ['ERR_SSH_EXIT', 'ran', 'exited'])
  const [code, delivery] = await told(ssh.exec('sleep 30', { timeout: 300 }))
  assert.deepEqual([code, delivery], ['ERR_SSH_TIMEOUT', 'ran'])
  const command = await ssh.spawn('sleep 30')
  relay.reset()
  assert.deepEqual(await told(command.exited), ['ERR_SSH_CONNECTION_LOST', 'ran', 'unknown'])
})
