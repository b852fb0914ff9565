import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Client } from 'holdfast'
import type { BadNetwork } from 'holdfast/testing'
import { client, network, server } from '../../promises/support/embedded.js'
import { failure } from '../../promises/support/outcome.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Loses the connection under a command. */
async function lost(ssh: Client, relay: BadNetwork): Promise<WeakRef<object>> {
  const { stdout, exited } = await ssh.spawn('sleep 30000')
  const there = new Promise((resolve) => ssh.once('reconnected', resolve))
  relay.reset()
  assert.equal((await failure(exited)).error.code, 'ERR_SSH_CONNECTION_LOST')
  await there
  return new WeakRef(stdout)
}

test('a client keeps nothing of the connections before the last one', { timeout: 60_000 }, async (t) => {
  const relay = await network(t, await server(t))
  const ssh = await client(t, relay, { reconnect: { minDelay: 10, maxDelay: 100 } })
  const output = await lost(ssh, relay)
  for (let i = 0; i < 2; i++) await lost(ssh, relay)
  while (output.deref() !== undefined) {
    // What a promise that has just settled holds on to is let go a turn later.
    await new Promise(setImmediate)
    collect()
  }
  assert.equal(ssh.stats().reconnect?.connections, 4)
  assert.equal((await ssh.exec('echo still here')).stdout, 'still here\n')
})
