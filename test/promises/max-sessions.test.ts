/** Row 45 of the table of failures: a server that allows one session at a time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { countBusy } from './support/busy.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { failure } from './support/outcome.js'

leavesNothing()

test('a call that gives up while it opens its session leaves the place to the next', { timeout: 30_000 }, async (t) => {
  const relay = await network(t, await server(t, { maxSessions: 1 }))
  const ssh = await client(t, relay)
  const first = await ssh.spawn('cat')
  const abort = new AbortController()
  const second = failure(ssh.exec('echo second', { signal: abort.signal }))
  const third = ssh.exec('echo third')
  await waiting(ssh, 2)
  first.stdin.end()
  await waiting(ssh, 1)
  // The second is now asking for the session that the first has left, and gets no answer as long as it is wanted.
  relay.stall()
  abort.abort()
  assert.equal((await second).error.name, 'AbortError')
  const busyMs = countBusy()
  const since = performance.now()
  relay.heal()
  assert.equal((await third).stdout, 'third\n')
  assert.ok(performance.now() - since < 5000 + busyMs())
})

for (const [limit, options] of [
  ['channelOpen', {}],
  ['timeout', { timeout: 300 }],
  ['idleTimeout', { idleTimeout: 300, timeout: '20s' }],
] as const) {
  test(`a call that got no place says at its ${limit} how many are open`, { timeout: 30_000 }, async (t) => {
    const ssh = await client(t, await server(t, { maxSessions: 2 }), { limits: { channelOpen: 300 } })
    const open = [await ssh.spawn('cat'), await ssh.spawn('cat')]
    const { error } = await failure(ssh.exec('echo third', options))
    assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', limit])
    assert.match(error.hint, /^2 sessions are open: .* run fewer commands at once/)
    for (const { stdin } of open) stdin.end()
  })
}

test('one session that is open is spoken of as one', { timeout: 30_000 }, async (t) => {
  const ssh = await client(t, await server(t, { maxSessions: 1 }), { limits: { channelOpen: 300 } })
  const { stdin } = await ssh.spawn('cat')
  const { error } = await failure(ssh.exec('echo second'))
  assert.match(error.hint, /^1 session is open: /)
  stdin.end()
})

/** Until so many calls wait for a session to end: looked for in each turn of the loop, none of which is to be missed. */
async function waiting(ssh: Client, calls: number): Promise<void> {
  while (ssh.stats().sessions.waiting !== calls) await turn()
}
