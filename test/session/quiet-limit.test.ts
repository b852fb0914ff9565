import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { QuietLimit } from '#src/session/quiet-limit.js'
import { scripted } from './scripted.js'

test('a connection that ended by a limit of its own is not taken for this silence', async () => {
  const { time, client } = await scripted()
  const { connection } = client
  let expired = 0
  const options = { limit: 'idleTimeout', limitMs: 1000, clock: 'peer', excused: () => false } as const
  const quiet = new QuietLimit({ ...options, port: connection, expired: () => expired++ })
  connection.destroy(new HoldfastError('ERR_SSH_TIMEOUT', 'the rekey did not end', { limit: 'rekey', limitMs: 30_000 }))
  const begun: number[] = []
  connection.waits.onHoldChange(() => begun.push(connection.waits.size))
  await time.run(5000)
  assert.deepEqual([expired, begun], [0, []])
  quiet.stop()
})
