import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from '#src/errors.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import type { WaitClock } from '#src/liveness/limit-clock.js'
import { type Wait, type WaitOptions, Waits } from '#src/liveness/waits.js'

class World {
  now = 0
  /** How often the clock of a wait was looked at. */
  looks = 0
  traffic = 0
  busy = 0
  readonly deadlines = new Deadlines()
  readonly waits = new Waits(
    {
      now: () => this.now,
      lastTrafficAt: () => {
        this.looks++
        return this.traffic
      },
      busyMs: () => this.busy,
      errorDetails: () => ({ host: 'example.org' }),
    },
    this.deadlines,
  )

  start(clock: WaitClock, options: Partial<WaitOptions> = {}): Wait<string> {
    return this.waits.start<string>({
      limit: 'reply',
      limitMs: 1000,
      clock,
      phase: 'request',
      what: 'the reply',
      ...options,
    })
  }

  /** Lets time pass, one deadline after the other; traffic comes where it is said to. */
  run(until: number, trafficEvery = Number.POSITIVE_INFINITY): void {
    let next = this.now + trafficEvery
    while (this.now < until) {
      this.now = Math.min(until, next, Math.max(this.now, this.deadlines.next() ?? Number.POSITIVE_INFINITY))
      if (this.now >= next) {
        this.traffic = this.now
        next += trafficEvery
      }
      this.deadlines.expire(this.now)
    }
  }

  /** A loop that was blocked: nothing expired, then the driver says how long it was. */
  block(ms: number): void {
    this.now += ms
    this.busy += ms
    this.waits.lost(ms)
    this.deadlines.expire(this.now)
  }

  /** A loop that was blocked, and was free again before anything was due: nobody tells. */
  blockUnnoticed(ms: number): void {
    this.now += ms
    this.busy += ms
    this.deadlines.expire(this.now)
  }
}

/** When the wait settled, on the world's clock, or undefined. */
function settledAt(world: World, wait: Wait<string>, until: number, trafficEvery?: number): number | undefined {
  for (let at = world.now + 1; at <= until; at++) {
    world.run(at, trafficEvery)
    if (!wait.pending) return world.now
  }
  return undefined
}

const waitClocks = ['call', 'peer', 'answer', 'reply'] as const

test('of thousands of waits whose limits end one after another each costs little, and ends in time', () => {
  const world = new World()
  const many = 4000
  const ends: Wait<string>[] = []
  for (let index = 0; index < many; index++) {
    const wait = world.start('reply', { limitMs: 1000 + index, isAwaited: false })
    wait.sent()
    ends.push(wait)
  }
  for (let ended = 0; world.waits.size > 0; ) {
    world.now = world.deadlines.next() ?? Number.NaN
    world.deadlines.expire(world.now)
    for (; ends[ended]?.pending === false; ended++)
      assert.ok(world.now <= 1000 + ended + many / 250 + 1, `${ended} at ${world.now}`)
    assert.ok(ends.length - ended === world.waits.size)
  }
  assert.ok(world.looks < 1000 * many, `${world.looks / many} looks at each`)
})

test('a wait that nobody settles rejects at its limit, with what was waited for and who waited', async () => {
  const world = new World()
  const wait = world.start('peer')
  assert.equal(settledAt(world, wait, 5000), 1000)
  const error: unknown = await wait.promise.catch((reason: unknown) => reason)
  assert.ok(error instanceof HoldfastError)
  const { code, limit, limitMs, elapsedMs, phase, host } = error
  assert.deepEqual(
    { code, limit, limitMs, elapsedMs, phase, host },
    { code: 'ERR_SSH_TIMEOUT', limit: 'reply', limitMs: 1000, elapsedMs: 1000, phase: 'request', host: 'example.org' },
  )
  assert.match(error.stack ?? '', /waits\.test/)
  assert.match(error.message, /the reply did not come within the limit reply of 1000 ms/)
})

test('the first cause wins, and leaves no deadline and no listener behind', async () => {
  const world = new World()
  const controller = new AbortController()
  const wait = world.start('reply', { signal: controller.signal })
  wait.resolve('first')
  wait.reject(new Error('second'))
  controller.abort()
  wait.sent()
  world.waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'closed'))
  assert.equal(await wait.promise, 'first')
  assert.equal(world.deadlines.size, 0)
  assert.equal(world.waits.size, 0)
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

test('an abort rejects with its reason as the cause, before the start as after it', async () => {
  const world = new World()
  const controller = new AbortController()
  const before = world.start('call', { signal: controller.signal })
  controller.abort('no more')
  const later = world.start('call', { signal: controller.signal })
  for (const wait of [before, later]) {
    await assert.rejects(wait.promise, { name: 'AbortError', code: 'ERR_SSH_ABORTED', cause: 'no more' })
  }
  assert.equal(world.waits.size, 0)
})

test('the teardown settles all that waits and all that comes after it, with one cause', async () => {
  const world = new World()
  const waits = [world.start('call'), world.start('reply'), world.start('peer', { limitMs: false })]
  const cause = new HoldfastError('ERR_SSH_PEER_DEAD', 'gone')
  world.waits.drain(cause)
  world.waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'closed later'))
  waits.push(world.start('call'))
  for (const wait of waits) await assert.rejects(wait.promise, (error) => error === cause)
  assert.equal(world.deadlines.size, 0)
  assert.equal(world.waits.size, 0)
})

test('a wait without a limit has no deadline', () => {
  const world = new World()
  for (const clock of waitClocks) world.start(clock, { limitMs: false }).sent()
  world.waits.lost(10)
  assert.equal(world.deadlines.next(), undefined)
})

for (const clock of ['answer', 'reply'] as const) {
  test(`the ${clock} clock stands still until the kernel took the request`, () => {
    const world = new World()
    const wait = world.start(clock)
    world.run(5000)
    wait.sent()
    assert.equal(settledAt(world, wait, 20_000), 6000)
  })
}

test('of a shared limit, what earlier waits used counts from when the kernel took the request', () => {
  const world = new World()
  const wait = world.start('answer', { spentMs: 600 })
  world.run(5000)
  assert.equal(wait.spentMs, 600)
  wait.sent()
  assert.equal(settledAt(world, wait, 20_000), 5400)
})

test('the reply clock stands still while traffic comes, and runs once it stops', () => {
  const world = new World()
  const wait = world.start('reply')
  wait.sent()
  world.run(4000, 500)
  assert.ok(wait.pending)
  assert.equal(settledAt(world, wait, 20_000), 5000)
})

test('the reply clock gives no more than ten limits, sent or not, whatever comes', () => {
  for (const sent of [true, false]) {
    const world = new World()
    const wait = world.start('reply')
    if (sent) wait.sent()
    world.run(9999, 500)
    assert.ok(wait.pending)
    world.run(10_000, 500)
    assert.ok(!wait.pending)
  }
})

test('the other clocks know no traffic', () => {
  for (const clock of ['call', 'peer', 'answer'] as const) {
    const world = new World()
    const wait = world.start(clock)
    wait.sent()
    world.run(999, 100)
    assert.ok(wait.pending)
    world.run(1000, 100)
    assert.ok(!wait.pending)
  }
})

test('time in which nobody listened counts for the call clock alone', () => {
  for (const clock of waitClocks) {
    const world = new World()
    const wait = world.start(clock)
    wait.sent()
    world.run(500)
    world.block(70_000)
    assert.equal(wait.pending, clock !== 'call')
    if (clock !== 'call') assert.equal(settledAt(world, wait, 80_000), 71_000)
  }
})

test('a block takes nothing from the time that a reply has after the last traffic', () => {
  const world = new World()
  const wait = world.start('reply')
  wait.sent()
  world.run(3000, 100)
  world.block(5000)
  assert.ok(wait.pending)
  assert.equal(settledAt(world, wait, 20_000), 9000)
})

test('a wait that began at the end of a block gains nothing by it', () => {
  const world = new World()
  world.now = 70_000
  const wait = world.start('peer')
  world.waits.lost(70_000)
  assert.equal(settledAt(world, wait, 200_000), 71_000)
})

for (const ms of [900, 999, 1000, 1049]) {
  test(`a block of ${ms} ms, which made no timer late, leaves the peer the whole limit of 1000 ms`, () => {
    for (const clock of waitClocks) {
      const world = new World()
      const wait = world.start(clock)
      wait.sent()
      world.blockUnnoticed(ms)
      const at = wait.pending ? settledAt(world, wait, 20_000) : world.now
      assert.equal(at, clock === 'call' ? Math.max(ms, 1000) : 1000 + ms)
    }
  })
}

test('a limit that begins anew ends in time also where it is shorter than it was made before', () => {
  const world = new World()
  const wait = world.start('peer')
  wait.renew(60_000)
  world.run(1500)
  wait.renew(2000)
  assert.equal(settledAt(world, wait, 70_000), 3500)
})

test('a loop that is always busy makes a limit twice as long, and no longer', () => {
  for (const clock of ['peer', 'answer', 'reply'] as const) {
    const world = new World()
    const wait = world.start(clock)
    wait.sent()
    for (let n = 0; n < 199; n++) world.blockUnnoticed(10)
    assert.ok(wait.pending)
    world.blockUnnoticed(10)
    assert.ok(!wait.pending)
  }
})

test('what was busy while nobody waited, or before the request was taken, gives a wait nothing', () => {
  const world = new World()
  world.blockUnnoticed(700)
  const wait = world.start('answer')
  world.blockUnnoticed(300)
  wait.sent()
  assert.equal(settledAt(world, wait, 20_000), 2000)
})

test('an unnoticed block under an earlier wait is not counted as spent of a shared limit', () => {
  const world = new World()
  const wait = world.start('answer')
  wait.sent()
  world.run(100)
  world.blockUnnoticed(800)
  assert.equal(wait.spentMs, 100)
})

test('a block that began before a wait gives it no more than it lost, and is charged for no more', () => {
  const world = new World()
  world.now += 90
  world.busy += 90
  const wait = world.start('peer')
  world.now += 10
  world.busy += 10
  world.waits.lost(100)
  world.run(1000)
  world.blockUnnoticed(50)
  assert.ok(wait.pending)
  assert.equal(settledAt(world, wait, 5000), 1150)
})

test('of a block at whose end traffic was read the reply clock has nothing to make up for', () => {
  const world = new World()
  const wait = world.start('reply')
  wait.sent()
  world.run(100)
  world.now += 5000
  world.busy += 5000
  world.traffic = world.now
  world.waits.lost(5000)
  assert.equal(settledAt(world, wait, 10_000), 6100)
})

test('of two waits with one limit the later one never ends first, though a block was only estimated', () => {
  const ms = fc.integer({ min: 1, max: 100 })
  const steps = fc.array(fc.record({ isBusy: fc.boolean(), ms }), { maxLength: 4 })
  fc.assert(
    fc.property(steps, ms, ms, steps, (between, blockedMs, lostMs, after) => {
      const world = new World()
      const play = (all: typeof between): void => {
        for (const one of all) {
          if (one.isBusy) world.blockUnnoticed(one.ms)
          else world.run(world.now + one.ms)
        }
      }
      const first = world.start('peer')
      play(between)
      const second = world.start('peer')
      world.blockUnnoticed(blockedMs)
      world.waits.lost(lostMs)
      play(after)
      while (second.pending) world.run(world.now + 1)
      assert.ok(!first.pending)
    }),
  )
})

test('what earlier waits have used of a shared limit stays used', () => {
  const world = new World()
  const wait = world.start('peer', { spentMs: 600 })
  assert.equal(wait.spentMs, 600)
  assert.equal(settledAt(world, wait, 5000), 400)
})

test('time lost under an earlier wait comes back to the shared limit, though that wait settled before the loss was known', () => {
  const world = new World()
  world.now += 70_000
  const wait = world.start('peer', { spentMs: 70_100 })
  world.waits.lost(70_000)
  assert.equal(wait.spentMs, 100)
  assert.equal(settledAt(world, wait, 80_000), 70_900)
})

test('whatever happens, a wait with a limit settles, and never before its limit', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(1500) }),
    fc.record({ do: fc.constant('traffic' as const), ms: fc.nat(300) }),
    fc.record({ do: fc.constant('block' as const), ms: fc.nat(3000) }),
    fc.record({ do: fc.constant('sent' as const), ms: fc.constant(0) }),
  )
  fc.assert(
    fc.property(fc.constantFrom(...waitClocks), fc.array(step, { maxLength: 60 }), (clock, steps) => {
      const world = new World()
      const wait = world.start(clock)
      let blocked = 0
      for (const { do: what, ms } of steps) {
        if (what === 'sent') wait.sent()
        else if (what === 'block') world.block(ms)
        else world.run(world.now + ms, what === 'traffic' ? 50 : undefined)
        if (what === 'block') blocked += ms
        if (!wait.pending) assert.ok(world.now - (clock === 'call' ? 0 : blocked) >= 1000)
      }
      world.run(world.now + 10_000, 50)
      assert.ok(!wait.pending)
    }),
  )
})

test('a wait without a caller, or a step of what nobody waits for, holds the process only while everything here does', () => {
  const { waits } = new World()
  const options = { limit: 'timeout', limitMs: false, clock: 'call', phase: 'command', what: 'the end' } as const
  const held = (): boolean => waits.holdsProcess
  const changes: boolean[] = []
  waits.onHoldChange(() => changes.push(waits.holdsProcess))
  assert.equal(held(), false)
  const wait = waits.start<void>({ ...options, isAwaited: false })
  assert.equal(held(), true)
  waits.keepRunning(false)
  assert.deepEqual([held(), changes.at(-1)], [false, false])
  wait.await()
  wait.await()
  assert.deepEqual([held(), changes.at(-1)], [true, true])
  wait.resolve()
  wait.await()
  assert.deepEqual([held(), changes.at(-1)], [false, false])
  const other = waits.start<void>(options)
  assert.equal(held(), true)
  waits.attend(false)
  assert.deepEqual([held(), changes.at(-1)], [false, false])
  waits.keepRunning(true)
  assert.equal(held(), true)
  waits.keepRunning(false)
  waits.attend(true)
  assert.deepEqual([held(), changes.at(-1)], [true, true])
  other.resolve()
  assert.equal(held(), false)
})

test('the first wait with a caller, and the end of the last, are told of while others without one go on', () => {
  const { waits } = new World()
  const options = { limit: 'timeout', limitMs: false, clock: 'call', phase: 'command', what: 'the end' } as const
  waits.start<void>({ ...options, isAwaited: false })
  waits.keepRunning(false)
  const changes: boolean[] = []
  waits.onHoldChange(() => changes.push(waits.holdsProcess))
  const wait = waits.start<void>(options)
  assert.deepEqual(changes, [true])
  wait.resolve()
  assert.deepEqual(changes, [true, false])
})

test('who is told of one limit, and ends the connection for it, is told of no other', async () => {
  let now = 0
  const told: string[] = []
  const deadlines = new Deadlines()
  const environment = {
    now: () => now,
    lastTrafficAt: () => 0,
    errorDetails: () => ({}),
    limitReached: (_error: HoldfastError, what: string) => {
      told.push(what)
      waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'ended by who was told'))
    },
  }
  const waits = new Waits(environment, deadlines)
  const start = (what: string) => waits.start({ limit: 'reply', limitMs: 10, clock: 'call', phase: 'request', what })
  const both = ['first', 'second'].map(start)
  now = 20
  deadlines.expire(now)
  const codes = await Promise.all(
    both.map(({ promise }) => promise.catch((error: unknown) => error instanceof HoldfastError && error.code)),
  )
  assert.deepEqual({ told, codes }, { told: ['first'], codes: ['ERR_SSH_CLOSED', 'ERR_SSH_CLOSED'] })
})
