import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HoldfastError, type ReconnectAttempt, type Reconnection } from 'holdfast'
import { defaultReconnect, type ReconnectSettings } from '#src/client/reconnect/options.js'
import { Redial } from '#src/client/reconnect/redial.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Deferred } from '#src/liveness/deferred.js'
import { Waits } from '#src/liveness/waits.js'
import { SimulatedTime } from '../../support/core/simulated-time.js'

const lost = new HoldfastError('ERR_SSH_CONNECTION_LOST', 'lost')
const refused = new HoldfastError('ERR_SSH_CONNECT', 'refused')

/** How an attempt goes: connects, or fails, after so long. */
interface Going {
  readonly ms: number
  readonly error?: HoldfastError
  /** Called when it has connected, and nobody has heard of that yet. */
  readonly made?: () => unknown
}

/** A client in simulated time that draws the longest delay each time. */
class World {
  readonly time = new SimulatedTime()
  readonly deadlines = new Deadlines()
  readonly waits = new Waits(
    { now: this.time.now, lastTrafficAt: () => 0, errorDetails: () => ({ host: 'host:22' }) },
    this.deadlines,
  )
  readonly planned: ReconnectAttempt[] = []
  readonly connected: Reconnection[] = []
  readonly givenUp: HoldfastError[] = []
  /** When each attempt began. */
  readonly dialed: number[] = []
  readonly aborted: number[] = []
  readonly redial: Redial
  underWay = 0

  constructor(settings: Partial<ReconnectSettings>, next: (attempt: number) => Going) {
    this.time.watch(this.deadlines)
    this.redial = new Redial(
      { ...defaultReconnect, ...settings },
      {
        environment: { now: this.time.now, randomBytes: (size) => Buffer.alloc(size, 0xff) },
        deadlines: this.deadlines,
        waits: this.waits,
        dial: (signal) => this.#dial(signal, next(this.dialed.length + 1)),
        planned: (attempt) => this.planned.push(attempt),
        connected: (reconnection) => this.connected.push(reconnection),
        givenUp: (cause) => this.givenUp.push(cause),
        errorDetails: () => ({ host: 'host:22' }),
      },
    )
  }

  get delays(): number[] {
    return this.planned.map(({ delayMs }) => Math.round(delayMs))
  }

  /** The connection is lost whenever it has held for so long. */
  async lose(times: number, heldMs: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      this.redial.lost(lost)
      await this.time.until(() => this.connected.length > time)
      await this.time.run(heldMs)
    }
  }

  nothingLeft(): void {
    assert.deepEqual([this.waits.size, this.deadlines.size], [0, 0])
  }

  async #dial(signal: AbortSignal, { ms, error, made }: Going): Promise<void> {
    this.dialed.push(this.time.now())
    this.underWay++
    assert.equal(this.underWay, 1, 'two dial at a time')
    try {
      const attempt = new Deferred<void>()
      const aborted = () => {
        this.aborted.push(this.time.now())
        attempt.reject(new HoldfastError('ERR_SSH_ABORTED', 'aborted'))
      }
      signal.addEventListener('abort', aborted)
      attempt.promise.finally(() => signal.removeEventListener('abort', aborted)).catch(() => {})
      this.time.after(ms, () => (error === undefined ? attempt.resolve() : attempt.reject(error)))
      await attempt.promise
      made?.()
    } finally {
      this.underWay--
    }
  }
}

describe('dialling again', () => {
  test('goes on with longer delays until it connects, and says so', async () => {
    const world = new World({}, (attempt) => (attempt < 4 ? { ms: 100, error: refused } : { ms: 100 }))
    world.redial.lost(lost)
    assert.deepEqual(world.planned, [{ attempt: 1, delayMs: world.planned[0]?.delayMs, cause: lost }])
    await world.time.run(60_000)
    assert.deepEqual(world.delays, [1000, 2000, 4000, 8000])
    assert.deepEqual(
      world.planned.map(({ attempt, cause }) => [attempt, cause.code]),
      [
        [1, 'ERR_SSH_CONNECTION_LOST'],
        [2, 'ERR_SSH_CONNECT'],
        [3, 'ERR_SSH_CONNECT'],
        [4, 'ERR_SSH_CONNECT'],
      ],
    )
    assert.deepEqual(
      world.connected.map(({ attempt, awayMs, cause }) => [attempt, Math.round(awayMs), cause]),
      [[4, 15_400, lost]],
    )
    assert.equal(world.redial.attempt, 0)
    world.nothingLeft()
  })

  test('waits longer each time for a server that accepts and drops at once', async () => {
    const world = new World({}, () => ({ ms: 10 }))
    await world.lose(7, 50)
    assert.deepEqual(world.delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    assert.deepEqual(world.planned.at(-1)?.attempt, 7)
  })

  test('starts over once a connection has held for as long as the delay before it could be', async () => {
    const world = new World({}, () => ({ ms: 10 }))
    await world.lose(5, 1000)
    assert.deepEqual(world.delays, [1000, 1000, 1000, 1000, 1000])
    assert.deepEqual(world.planned.at(-1)?.attempt, 1)
  })

  test('gives up when the time for all is over, though an attempt is under way, and ends that', async () => {
    const world = new World({ maxTime: 10_000 }, () => ({ ms: 60_000, error: refused }))
    world.redial.lost(lost)
    await world.time.until(() => world.givenUp.length > 0)
    const [cause] = world.givenUp
    assert.equal(world.time.now(), 10_000)
    assert.deepEqual(world.aborted, [10_000])
    assert.deepEqual(
      [cause?.code, cause?.phase, cause?.limitMs, cause?.elapsedMs],
      ['ERR_SSH_RECONNECT', 'reconnect', 10_000, 10_000],
    )
    assert.equal(cause?.cause, lost)
    world.nothingLeft()
  })

  test('begins no attempt behind the end of its time, and gives the last failure as the cause', async () => {
    const world = new World({ maxTime: 10_000 }, () => ({ ms: 10, error: refused }))
    world.redial.lost(lost)
    await world.time.until(() => world.givenUp.length > 0)
    assert.ok(world.dialed.length > 3 && world.dialed.every((at) => at < 10_000))
    assert.ok(world.time.now() <= 10_000)
    assert.equal(world.givenUp[0]?.cause, refused)
    world.nothingLeft()
  })

  for (const [budget, connections] of [
    [{ maxTime: 10_000 }, 3],
    [{ maxAttempts: 4 }, 4],
  ] as const) {
    test(`counts ${Object.keys(budget)[0]} on over connections that did not hold`, async () => {
      const world = new World(budget, () => ({ ms: 10 }))
      while (world.givenUp.length === 0) {
        world.redial.lost(lost)
        const { length } = world.connected
        await world.time.until(() => world.connected.length > length || world.givenUp.length > 0)
        await world.time.run(50)
      }
      assert.equal(world.connected.length, connections)
      assert.ok(world.time.now() <= 15_500, String(world.time.now()))
      world.nothingLeft()
    })
  }

  test('goes on where the connection is lost in the moment in which it is made', async () => {
    const world: World = new World({}, (attempt) => ({ ms: 10, made: () => attempt === 1 && world.redial.lost(lost) }))
    world.redial.lost(lost)
    await world.time.run(10_000)
    assert.equal(world.dialed.length, 2)
    assert.deepEqual(
      world.planned.map(({ attempt }) => attempt),
      [1, 2],
    )
    assert.equal(world.redial.attempt, 0)
    world.nothingLeft()
  })

  test('gives up after so many attempts in a row', async () => {
    const world = new World({ maxAttempts: 3 }, () => ({ ms: 10, error: refused }))
    world.redial.lost(lost)
    await world.time.until(() => world.givenUp.length > 0)
    assert.equal(world.dialed.length, 3)
    assert.match(world.givenUp[0]?.message ?? '', /reconnect\.maxAttempts \(3\)/)
    world.nothingLeft()
  })

  test('never gives up where it is told not to', async () => {
    const world = new World({ maxTime: false }, () => ({ ms: 10, error: refused }))
    world.redial.lost(lost)
    await world.time.run(24 * 3_600_000)
    assert.deepEqual(world.givenUp, [])
    assert.ok(world.dialed.length > 2800 && world.dialed.length < 3000, String(world.dialed.length))
    world.redial.stop()
    world.nothingLeft()
  })

  test('stops at once where the next attempt would fail too', async () => {
    const changed = new HoldfastError('ERR_SSH_HOST_KEY_CHANGED', 'changed')
    const world = new World({}, (attempt) => ({ ms: 10, error: attempt === 2 ? changed : refused }))
    world.redial.lost(lost)
    await world.time.run(60_000)
    assert.equal(world.dialed.length, 2)
    assert.deepEqual(world.givenUp, [changed])
    world.nothingLeft()
  })

  test('does not begin for what lasts', () => {
    const aborted = new HoldfastError('ERR_SSH_ABORTED', 'aborted')
    const world = new World({}, () => ({ ms: 10 }))
    world.redial.lost(aborted)
    assert.deepEqual([world.planned, world.givenUp], [[], [aborted]])
    world.nothingLeft()
  })

  test('waits the longest for a server that has too many clients', async () => {
    const crowded = new HoldfastError('ERR_SSH_DISCONNECTED', 'too many', { disconnectReason: 12 })
    const world = new World({}, () => ({ ms: 10 }))
    world.redial.lost(crowded)
    await world.time.run(60_000)
    assert.deepEqual(world.delays, [30_000])
  })

  for (const when of ['delay', 'dial'] as const) {
    test(`is stopped in a ${when}, and tells nobody of anything then`, async () => {
      const world = new World({}, () => ({ ms: 5000 }))
      world.redial.lost(lost)
      await world.time.run(when === 'delay' ? 500 : 1500)
      world.redial.stop()
      await world.time.run(60_000)
      assert.equal(world.dialed.length, when === 'delay' ? 0 : 1)
      assert.equal(world.aborted.length, when === 'delay' ? 0 : 1)
      assert.deepEqual([world.connected, world.givenUp], [[], []])
      world.nothingLeft()
    })
  }
})
