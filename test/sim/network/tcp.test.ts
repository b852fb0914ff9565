import assert from 'node:assert/strict'
import test from 'node:test'
import { Random } from '../../support/core/random.js'
import { pattern } from '../pattern.js'
import type { LinkPlan, OutagePlan } from '../plan.js'
import { World } from '../world.js'
import { Path } from './path.js'
import { connectTcp } from './tcp.js'
import { retransmitMs } from './tcp-stream.js'

const link: LinkPlan = {
  isCut: false,
  latencyMs: 20,
  jitterMs: 0,
  bytesPerMs: null,
  lossEvery: null,
  sendBuffer: 65_536,
  receiveBuffer: 65_536,
  natTimeoutMs: null,
}

/** What came at the server of what the client wrote at these times, and when. */
async function deliver(
  {
    writes,
    outages = [],
    ...change
  }: Partial<LinkPlan> & {
    readonly writes: readonly (readonly [at: number, bytes: Buffer])[]
    readonly outages?: readonly OutagePlan[]
  },
  seed = 1,
) {
  const plan = { ...link, ...change }
  const world = new World()
  const path = new Path(plan, outages)
  const { client, server } = connectTcp(world, new Random(seed), path, plan, outages)
  const came: { readonly at: number; readonly bytes: Buffer }[] = []
  const taken: number[] = []
  const ends: { readonly at: number; readonly error: Error | undefined }[] = []
  client.ownedBy({
    readable: () => client.end !== undefined && ends.push({ at: world.now(), error: client.end.error }),
  })
  server.ownedBy({ readable: () => came.push(...server.read().map((bytes) => ({ at: world.now(), bytes }))) })
  for (const [at, bytes] of writes) world.at(at, () => client.write(bytes, () => taken.push(world.now())))
  await world.run(
    () => world.now() > 2_000_000,
    () => {},
  )
  return { came, taken, ends, all: Buffer.concat(came.map(({ bytes }) => bytes)), forgottenAt: path.forgottenAt }
}

const outage = (
  from: number,
  to: number | null,
  which: OutagePlan['which'] = 'both',
  how: OutagePlan['how'] = 'dropped',
) => ({
  from,
  to,
  which,
  how,
})

test('bytes arrive after the latency, and the kernel takes them at once', async () => {
  const { came, taken } = await deliver({ writes: [[100, pattern(0, 0, 1000)]] })
  assert.deepEqual([came[0]?.at, taken], [120, [100]])
})

test('a slow link takes its time, and a full kernel no more', async () => {
  const { came, taken } = await deliver({ bytesPerMs: 10, writes: [[0, Buffer.alloc(100_000)]] })
  const last = came.at(-1)?.at ?? 0
  assert.ok(last >= 10_000 && last < 10_500, `${last}`)
  const [at = 0] = taken
  assert.ok(at > 3000 && at < 4000, `${at}`)
})

test('whatever is lost, all bytes come once, and in order', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const writes = Array.from({ length: 50 }, (_, n) => [100 * n, pattern(1, 1000 * n, 1000)] as const)
    const outages = [outage(1000, 1500), outage(3000, 5500, 'toClient'), outage(4000, 4200, 'toServer')]
    const { all } = await deliver({ lossEvery: 5, jitterMs: 30, writes, outages }, seed)
    assert.ok(all.equals(pattern(1, 0, 50_000)), `seed ${seed}`)
  }
})

test('an outage is felt for as long again and one wait of TCP, at the most, and may well be for longer than it lasted', async () => {
  let longest = 0
  for (let forMs = 100; forMs < 60_000; forMs += 370) {
    const { came } = await deliver({ writes: [[10_000, Buffer.alloc(10)]], outages: [outage(10_000, 10_000 + forMs)] })
    const feltMs = (came[0]?.at ?? Infinity) - 10_000
    assert.ok(feltMs <= 2 * forMs + retransmitMs(link) + link.latencyMs, `${feltMs} after ${forMs}`)
    longest = Math.max(longest, feltMs / forMs)
  }
  assert.ok(longest > 1.9, `${longest}`)
})

test('what goes one way alone is not acknowledged, and stops too', async () => {
  const writes = Array.from({ length: 100 }, (_, n) => [1000 * n, Buffer.alloc(10_000)] as const)
  const { came } = await deliver({ writes, outages: [outage(10_000, null, 'toClient')] })
  assert.ok((came.at(-1)?.at ?? 0) < 12_000)
})

test('a kernel that nobody answers gives up after a quarter of an hour', async () => {
  const { ends } = await deliver({ writes: [[10, Buffer.alloc(10)]], outages: [outage(0, null)] })
  const [end] = ends
  assert.match(String(end?.error), /ETIMEDOUT/)
  assert.ok(end !== undefined && end.at > 600_000 && end.at < 1_500_000, `${end?.at}`)
})

test('a relay holds bytes back until it heals, and swallows them for ever', async () => {
  const writes = [
    [50, pattern(0, 0, 10)],
    [150, pattern(0, 10, 10)],
    [250, pattern(0, 20, 10)],
  ] as const
  const held = await deliver({ writes, outages: [outage(100, 1000, 'toServer', 'held')] })
  assert.ok(held.all.equals(pattern(0, 0, 30)))
  assert.deepEqual(
    held.came.map(({ at }) => at),
    [70, 1000, 1000],
  )
  const swallowed = await deliver({ writes, outages: [outage(100, 200, 'toServer', 'swallowed')] })
  assert.ok(swallowed.all.equals(pattern(0, 0, 10)))
  assert.equal(swallowed.taken.length, 3)
})

test('a NAT that forgets an idle connection lets nothing through any more', async () => {
  const busy = [0, 20_000, 40_000].map((at) => [at, Buffer.alloc(1)] as const)
  const { came, forgottenAt } = await deliver({ natTimeoutMs: 30_000, writes: [...busy, [80_000, Buffer.alloc(1)]] })
  assert.equal(came.length, 3)
  assert.equal(forgottenAt, 40_040 + 30_000)
})
