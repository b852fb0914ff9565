/** What is here of a transfer that was given up does not wait for the end of what is there. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { CommandError } from 'holdfast'
import { leavesNothing } from '../promises/support/leaks.js'
import { world } from './peer.js'

leavesNothing()

test('an abort empties the file at once, however long the server takes to end', { timeout: 60_000 }, async (t) => {
  let hasEnded = false
  const { ssh, at } = await world(t, async ({ command, say, stubborn }) => {
    // Looks for the process of the other.
    if (!command.startsWith('scp ')) return 1
    await say('C0644 10 file\nabc')
    const end = await stubborn()
    hasEnded = true
    return end
  })
  const stop = new AbortController()
  const got = ssh.scp.get('file', at('mine'), { signal: stop.signal, progress: () => stop.abort('enough') })
  await Promise.all([
    assert.rejects(got, (error: CommandError) => {
      assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'ERR_SSH_ABORTED', 'enough'])
      return true
    }),
    (async () => {
      await once(stop.signal, 'abort')
      while ((await stat(at('mine'))).size > 0) await delay(5, undefined, { signal: t.signal })
      assert.equal(hasEnded, false)
    })(),
  ])
})
