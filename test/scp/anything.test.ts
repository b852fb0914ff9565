/** A scp that says anything: whoever called gets what came or an error of ours, and nothing outside of the target is touched. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { encodeRecord, type ScpRecord } from '#src/scp/records.js'
import { mutate } from '../fuzz/mutate.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { Random } from '../support/core/random.js'
import { world } from './peer.js'

leavesNothing()

const seeds = 50

for (let seed = 1; seed <= seeds; seed++) {
  test(`a scp that says anything, seed ${seed}`, async (t) => {
    const random = new Random(seed)
    const given = Buffer.concat(Array.from({ length: 1 + random.below(20) }, (_, index) => piece(random, index)))
    const { ssh, at, listing } = await world(t, async ({ say, hear, frozen }) => {
      await say(random.once(2) ? given : mutate(given, random))
      if (random.once(4)) return frozen()
      await hear(random.below(50_000))
      return random.below(3)
    })
    const options = { recursive: !random.once(4), idleTimeout: '400ms' } as const
    const call = random.once(5) ? ssh.scp.put(await source(at), 'x', options) : ssh.scp.get('tree', at('mine'), options)
    const [outcome] = await Promise.allSettled([call])
    if (outcome.status === 'rejected')
      assert.ok(
        outcome.reason instanceof HoldfastError && outcome.reason.code !== 'ERR_SSH_INTERNAL',
        String(outcome.reason),
      )
    const outside = (await listing()).filter((name) => !/^own(?:$|\/mine|\/source$)/.test(name))
    assert.deepEqual(outside, [])
    assert.ok((await ssh.keepalive.send()).rttMs >= 0)
  })
}

/** The first is right more often than not, or nothing after it would be looked at. */
function piece(random: Random, index: number): Buffer {
  if (index === 0 && !random.once(4)) return encodeRecord({ type: 'directory', mode: 0o755, name: Buffer.from('tree') })
  const name = Buffer.from(random.pick(['a', 'b', 'sub', 'tree', '..', '.', '', '../x', '/etc/x', 'ä', '\u0000']))
  const size = random.below(2000)
  const record = random.pick<ScpRecord>([
    { type: 'file', mode: random.below(0o7777), size, name },
    { type: 'directory', mode: random.below(0o7777), name },
    { type: 'end' },
    { type: 'times', mtime: random.word(), atime: random.word() },
  ])
  if (random.once(15)) return Buffer.concat([Buffer.of(random.below(4)), random.bytes(random.below(50))])
  if (record.type !== 'file') return encodeRecord(record)
  const contents = random.once(8) ? random.bytes(random.below(4000)) : random.bytes(size)
  return Buffer.concat([encodeRecord(record), contents, Buffer.of(0)])
}

async function source(at: (name: string) => string): Promise<string> {
  await writeFile(at('source'), Buffer.alloc(10_000))
  return at('source')
}
