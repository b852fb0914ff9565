import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import test from 'node:test'
import { playSeeds } from './batch.js'
import { tell } from './report.js'

/** A chunk at a time, so that no test is longer than a person waits. */
const seeds = 1500

async function playAll(start: number): Promise<void> {
  const tally = await playSeeds(start, seeds)
  const [failed] = tally.failed
  const lines: string[] = []
  if (failed !== undefined) await tell(failed.seed, (line) => lines.push(line))
  assert.equal(tally.failed.length, 0, lines.join('\n'))
  // A simulator in which nothing succeeds, or nothing fails, would prove nothing.
  assert.ok(tally.fulfilled > seeds && tally.fulfilled < tally.settled)
  for (const code of ['ERR_SSH_CLOSED', 'ERR_SSH_PEER_DEAD', 'ERR_SSH_CONNECTION_LOST', 'ERR_SSH_TIMEOUT'])
    assert.ok((tally.endings.get(code) ?? 0) > seeds / 100, `hardly any connection ended by ${code}`)
}

test('no invariant is violated by seeds from 1 on', () => playAll(1))

test('no invariant is violated by seeds from anywhere', async (t) => {
  const start = randomInt(2 ** 31)
  t.diagnostic(`seeds from ${start} on`)
  await playAll(start)
})
