import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Deferred } from '#src/liveness/deferred.js'
import { Waits } from '#src/liveness/waits.js'
import { type Clock, Scheduler, systemClock } from '#src/socket/scheduler.js'
import { runScript } from './run-script.js'

interface Parts {
  readonly deadlines: Deadlines
  readonly waits: Waits
  readonly scheduler: Scheduler
  readonly wakes: { now: number; lostMs: number }[]
  readonly disturbed: number[]
}

function start(t: TestContext, clock: Clock = systemClock): Parts {
  const deadlines = new Deadlines()
  const environment = { now: clock.now, lastTrafficAt: () => 0, errorDetails: () => ({}) }
  const waits = new Waits(environment, deadlines)
  const wakes: { now: number; lostMs: number }[] = []
  const disturbed: number[] = []
  const scheduler = new Scheduler({
    deadlines,
    waits,
    onWake: (now, lostMs) => wakes.push({ now, lostMs }),
    onDisturbed: (_now, aheadMs) => disturbed.push(aheadMs),
    clock,
  })
  t.after(() => scheduler.stop())
  return { deadlines, waits, scheduler, wakes, disturbed }
}

/** A promise of the instant at which a deadline `ms` from now expired. */
function expiry(parts: Parts, ms: number): Promise<number> {
  return new Promise((resolve) => {
    parts.deadlines.add(parts.scheduler.now() + ms, resolve)
  })
}

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Lets timers, poll and immediates of a few turns run, while a handle of ours holds the process. */
async function turns(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

/** A connected pair of sockets: what one writes is in the kernel's queue of the other at once. */
async function socketPair(t: TestContext): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve))
  const near = net.connect(address.port, '127.0.0.1')
  const far = await accepted
  t.after(() => [near, far].map((socket) => socket.destroy()))
  server.close()
  return [near, far]
}

test('what is due expires, never early, the earliest first', async (t) => {
  const parts = start(t)
  const called = parts.scheduler.now()
  const [late, early] = await Promise.all([expiry(parts, 60), expiry(parts, 20), turns(100)])
  assert.ok(early - called >= 20 && late - called >= 60)
  // A loop that was held up for so long looks at both at once.
  assert.ok(early <= late)
})

test('deadlines that come and go behind the earliest one touch no timer', (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout')
  const { deadlines, scheduler } = start(t)
  deadlines.add(scheduler.now() + 10_000, () => {})
  for (let n = 0; n < 1000; n++) deadlines.add(scheduler.now() + 20_000, () => {}).cancel()
  assert.equal(timers.mock.callCount(), 1)
  deadlines.add(scheduler.now() + 5000, () => {})
  assert.equal(timers.mock.callCount(), 2)
})

test('what is put off by as much again and again keeps its timer, and wakes nobody before', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout')
  const { deadlines, scheduler, wakes } = start(t)
  const running = setInterval(() => {}, 1000)
  t.after(() => clearInterval(running))
  let expired = 0
  await new Promise<void>((resolve) => {
    const putOff = deadlines.add(scheduler.now() + 40, () => {
      expired++
      if (expired === 3) resolve()
      else putOff.move(scheduler.now() + 40)
    })
    for (let times = 0; times < 50; times++) putOff.move(scheduler.now() + 40)
  })
  assert.equal(wakes.length, 3)
  // A process that is held up between two looks at the clock sets it for another time.
  assert.ok(timers.mock.callCount() < 10, `${timers.mock.callCount()} timers were made`)
})

test('a deadline further away than a native timeout reaches is not taken for one that is due', (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout')
  const { deadlines, scheduler } = start(t)
  deadlines.add(scheduler.now() + 2 ** 40, () => assert.fail('expired'))
  assert.equal(timers.mock.calls[0]?.arguments[1], 2 ** 31 - 1)
})

test('input that the kernel has queued is read before a deadline that passed meanwhile', async (t) => {
  const parts = start(t)
  const [near, far] = await socketPair(t)
  const order: string[] = []
  near.on('data', () => order.push('data'))
  const expired = expiry(parts, 20).then(() => order.push('deadline'))
  await turns(1)
  far.write('x')
  block(100)
  await Promise.all([expired, turns(50)])
  assert.deepEqual(order, ['data', 'deadline'])
})

test('a blocked event loop is told before anything expires, and is kept for evidence', async (t) => {
  const parts = start(t)
  const expired = expiry(parts, 50)
  block(300)
  const now = await expired
  assert.equal(parts.wakes.length, 1)
  const lost = parts.wakes[0]?.lostMs ?? 0
  assert.ok(lost >= 250 && lost <= now, `lost ${lost}`)
  assert.equal(parts.scheduler.loopBlockedMs, lost)
})

test('a block is told also where what was due in it is put off by as much before the timer fires', async (t) => {
  const parts = start(t)
  const putOff = parts.deadlines.add(parts.scheduler.now() + 50, () => {})
  block(300)
  putOff.move(parts.scheduler.now() + 50)
  await Promise.all([expiry(parts, 60), turns(100)])
  assert.ok(parts.scheduler.loopBlockedMs >= 250, `${parts.scheduler.loopBlockedMs}`)
})

test('a wait that takes the lost time into account outlives the block', async (t) => {
  const deadlines = new Deadlines()
  const environment = { now: systemClock.now, lastTrafficAt: () => 0, errorDetails: () => ({}) }
  const waits = new Waits(environment, deadlines)
  const scheduler = new Scheduler({
    deadlines,
    waits,
    onWake: (_now, lostMs) => lostMs > 0 && waits.lost(lostMs),
    onDisturbed: () => {},
  })
  t.after(() => scheduler.stop())
  const wait = waits.start<string>({ limit: 'tcp', limitMs: 200, clock: 'peer', phase: 'tcp', what: 'an answer' })
  block(600)
  setTimeout(() => wait.resolve('answered'), 100)
  assert.equal(await wait.promise, 'answered')
})

test('an ordinary wake loses no time', async (t) => {
  const { deadlines, scheduler } = start(t, { now: () => 0, wall: () => 0 })
  deadlines.add(0, () => {})
  await turns(20)
  assert.equal(scheduler.loopBlockedMs, 0)
})

test('a wall clock that ran ahead of the monotonic one is a disturbance, one that was set back is none', async (t) => {
  let ahead = 0
  const parts = start(t, { now: systemClock.now, wall: () => systemClock.now() + ahead })
  await Promise.all([expiry(parts, 5), turns(20)])
  assert.deepEqual(parts.disturbed, [])
  ahead = 90_000
  await Promise.all([expiry(parts, 5), turns(20)])
  ahead = 0
  await Promise.all([expiry(parts, 5), turns(20)])
  assert.equal(parts.disturbed.length, 1)
  assert.ok(Math.abs((parts.disturbed[0] ?? 0) - 90_000) < 1)
})

test('a callback that throws surfaces, and later deadlines still expire', async () => {
  const { code, stdout } = await runScript('scheduler', 'throws')
  // On a machine that is busy both are due at one wake, which throws only once all of it was done.
  assert.deepEqual(stdout.trim().split('\n').toSorted(), ['later deadline', 'uncaught: thrown by a deadline'])
  assert.equal(code, 0)
})

test('after stop() nothing expires', async (t) => {
  const { deadlines, scheduler } = start(t)
  deadlines.add(scheduler.now() + 5, () => assert.fail('expired'))
  scheduler.stop()
  deadlines.add(scheduler.now() + 1, () => assert.fail('expired'))
  await turns(20)
})

test('stop() between the timer and its immediate: nothing expires, nobody is told', async (t) => {
  const { deadlines, scheduler, wakes } = start(t)
  deadlines.add(scheduler.now() + 5, () => assert.fail('expired'))
  block(10)
  // Timers of one turn run in the order in which they were due, so this one comes after the scheduler's own.
  setTimeout(() => scheduler.stop(), 1)
  block(10)
  await turns(20)
  assert.deepEqual(wakes, [])
})

test('nobody waits: the process ends by itself though a deadline is far away', async () => {
  const { code, elapsedMs } = await runScript('scheduler', 'idle')
  assert.equal(code, 0)
  assert.ok(elapsedMs < 20_000, `ended after ${elapsedMs} ms`)
})

test('somebody waits: the process stays until the limit, then ends by itself', async () => {
  const { code, stdout } = await runScript('scheduler', 'waiting')
  assert.equal(stdout, 'ERR_SSH_TIMEOUT\n')
  assert.equal(code, 0)
})

test('somebody waits without any limit: the process does not end under the promise', async () => {
  const { code, stdout } = await runScript('scheduler', 'unlimited')
  assert.equal(stdout, 'resolved\n')
  assert.equal(code, 0)
})

test('what was put off wakes nobody before its time', async (t) => {
  const { deadlines, scheduler, wakes } = start(t)
  const called = scheduler.now()
  const putOff = deadlines.add(called + 10, () => assert.fail('it was put off'))
  const expired = new Promise<void>((resolve) => {
    deadlines.add(called + 60, () => resolve())
  })
  putOff.cancel()
  await Promise.all([expired, turns(80)])
  // A timer that was held up is one of its own: then time was lost, and everything that waits is to know.
  const early = wakes.filter(({ now, lostMs }) => lostMs === 0 && now < called + 60)
  assert.deepEqual(early, [])
})

test('a wake is under way while deadlines expire, and its end is told when all of them have', async (t) => {
  const deadlines = new Deadlines()
  const environment = { now: systemClock.now, lastTrafficAt: () => 0, errorDetails: () => ({}) }
  const seen: string[] = []
  const woken = new Deferred<void>()
  const see = (what: string) => seen.push(`${what}${scheduler.isWaking ? ', awake' : ''}`)
  const scheduler = new Scheduler({
    deadlines,
    waits: new Waits(environment, deadlines),
    onWake: () => see('wake'),
    onDisturbed: () => {},
    onWoken: () => {
      see('woken')
      woken.resolve()
    },
  })
  t.after(() => scheduler.stop())
  const at = scheduler.now() + 5
  for (const what of ['first', 'second']) deadlines.add(at, () => see(what))
  see('before')
  await Promise.all([woken.promise, turns(20)])
  assert.deepEqual(seen, ['before', 'wake, awake', 'first, awake', 'second, awake', 'woken'])
})
