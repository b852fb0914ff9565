import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '#src/connection/pace.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import type { Liveness } from '#src/liveness/port.js'

const packet = 32 * 1024

interface LinkOptions {
  readonly bytesPerSecond: number
  readonly rttMs: number
  /** A peer that answers no questions, or whose answers nobody waits for. */
  readonly answers?: 'always' | 'never' | 'unjudged'
  /** Of silence, in milliseconds. @default 60 s */
  readonly bound?: number
  /** For every other period of so many milliseconds, the link's way back holds up what comes. @default never */
  readonly holdMs?: number
}

/** A sender that always has more, over a link of this speed whose buffers take everything. Time is simulated. */
class Sender {
  now = 0
  sent = 0
  /** How often it was told that it may send on. */
  resumed = 0
  /** The most that stood before the link at any time, in milliseconds of its speed. */
  longestQueueMs = 0
  readonly deadlines = new Deadlines()
  readonly pace: Pace
  readonly #answers: { readonly at: number; readonly answered: () => void }[] = []
  readonly #options: LinkOptions
  #freeAt = 0

  constructor(options: LinkOptions) {
    this.#options = options
    const liveness: Liveness = {
      state: 'alive',
      sinceMs: 0,
      lastHeardMs: 0,
      unanswered: 0,
      rttMs: options.rttMs,
      bound: options.answers === 'unjudged' ? null : (options.bound ?? 60_000),
    }
    this.pace = new Pace({
      deadlines: this.deadlines,
      now: () => this.now,
      keepalive: {
        liveness: () => liveness,
        probeNow: (_now, answered) => this.#ask(() => answered({ probe: 'ping', rttMs: 0, nextMs: null })),
      },
      resumed: () => {
        this.resumed++
      },
    })
  }

  /** Sends as fast as it may for so long. */
  run(milliseconds: number): void {
    for (const until = this.now + milliseconds; this.now < until; this.now++) {
      this.deadlines.expire(this.now)
      while (this.#answers[0] !== undefined && this.#answers[0].at <= this.now) this.#answers.shift()?.answered()
      // The window of RFC 4254 is what holds back a sender that nothing else does.
      while (this.pace.allowsMore && this.#queueMs < 100_000) this.#send()
    }
  }

  get #queueMs(): number {
    return Math.max(0, this.#freeAt - this.now)
  }

  #send(): void {
    this.sent += packet
    this.#freeAt = Math.max(this.now, this.#freeAt) + (1000 * packet) / this.#options.bytesPerSecond
    this.longestQueueMs = Math.max(this.longestQueueMs, this.#queueMs)
    this.pace.sent(packet)
  }

  #heldUntil(at: number): number {
    const { holdMs } = this.#options
    if (holdMs === undefined) return at
    const periods = Math.floor(at / holdMs)
    return periods % 2 === 0 ? at : (periods + 1) * holdMs
  }

  #ask(answered: () => void): () => void {
    const at = this.#heldUntil(Math.max(this.now, this.#freeAt) + this.#options.rttMs)
    if (this.#options.answers !== 'never') this.#answers.push({ at, answered })
    return () => {}
  }
}

for (const [bytesPerSecond, rttMs] of [
  [48_000, 20],
  [50_000, 300],
  [1_000_000, 20],
  [10_000_000, 50],
  [10_000_000, 600],
] as const) {
  test(`a link of ${bytesPerSecond} bytes a second and ${rttMs} ms is kept full, with a short queue before it`, () => {
    const sender = new Sender({ bytesPerSecond, rttMs })
    sender.run(10_000)
    const before = sender.sent
    sender.longestQueueMs = 0
    sender.run(20_000)
    const speed = (sender.sent - before) / 20
    assert.ok(speed > 0.95 * bytesPerSecond, `${speed} bytes a second`)
    assert.ok(sender.longestQueueMs < 3500, `${sender.longestQueueMs} ms`)
  })
}

test('nothing waits behind more than three seconds of a slow link from the start', () => {
  const sender = new Sender({ bytesPerSecond: 48_000, rttMs: 20 })
  sender.run(20_000)
  assert.ok(sender.longestQueueMs < 3500, `${sender.longestQueueMs} ms`)
})

test('a link that becomes slow is noticed', () => {
  const link = { bytesPerSecond: 1_000_000, rttMs: 20 }
  const sender = new Sender(link)
  sender.run(5000)
  link.bytesPerSecond = 50_000
  sender.run(60_000)
  sender.longestQueueMs = 0
  sender.run(20_000)
  assert.ok(sender.longestQueueMs < 3500, `${sender.longestQueueMs} ms`)
})

test('answers that come in bursts make no link look faster', () => {
  const sender = new Sender({ bytesPerSecond: 100_000, rttMs: 20, holdMs: 1200 })
  sender.run(120_000)
  assert.ok(sender.longestQueueMs < 3500, `${sender.longestQueueMs} ms`)
})

test('a packet is an eighth of what may be on its way, and as large as any once that is a lot', () => {
  const slow = new Sender({ bytesPerSecond: 12_500, rttMs: 20, bound: 4000 })
  slow.run(20_000)
  assert.ok(slow.pace.packetMax < 3000, `${slow.pace.packetMax} bytes`)
  const fast = new Sender({ bytesPerSecond: 10_000_000, rttMs: 20 })
  fast.run(5000)
  assert.ok(fast.pace.packetMax > packet)
  const unjudged = new Sender({ bytesPerSecond: 12_500, rttMs: 20, answers: 'unjudged' })
  unjudged.run(10)
  assert.ok(unjudged.pace.packetMax > packet)
})

test('a peer that answers no question is held up once, and no longer than five seconds', () => {
  const sender = new Sender({ bytesPerSecond: 1_000_000, rttMs: 20, answers: 'never' })
  sender.run(4900)
  assert.equal(sender.sent, 4 * packet)
  sender.run(200)
  assert.ok(sender.sent > 100 * packet)
})

test('a peer that is not judged by its answers is not held up', () => {
  const sender = new Sender({ bytesPerSecond: 1_000_000, rttMs: 20, answers: 'unjudged' })
  sender.run(10)
  assert.ok(sender.sent > 100 * packet)
})

test('what the windows cover has arrived', () => {
  const sender = new Sender({ bytesPerSecond: 1_000_000, rttMs: 20, answers: 'never' })
  sender.run(10)
  const before = sender.sent
  sender.pace.covered(before)
  sender.run(10)
  assert.equal(sender.sent, 2 * before)
})

test('an answer lets go what it allows, also where the windows had covered all before the question', () => {
  const sender = new Sender({ bytesPerSecond: 100_000_000, rttMs: 20 })
  sender.run(25)
  sender.pace.covered(sender.sent)
  sender.run(1)
  const { sent, resumed } = sender
  sender.run(20)
  assert.ok(sender.sent > sent)
  assert.ok(sender.resumed > resumed)
})

test('stopped, it leaves no deadline', () => {
  const sender = new Sender({ bytesPerSecond: 1_000_000, rttMs: 20, answers: 'never' })
  sender.run(10)
  assert.equal(sender.deadlines.size, 1)
  sender.pace.stop()
  assert.equal(sender.deadlines.size, 0)
})

test('with a short bound of silence, the first little that is held back is asked for', () => {
  const sender = new Sender({ bytesPerSecond: 1_000_000, rttMs: 20, bound: 2000 })
  sender.pace.sent(10_000)
  assert.equal(sender.pace.allowsMore, false)
  sender.run(100)
  assert.ok(sender.sent > 0)
})

test('with a short bound of silence, a slow link never holds what it needs longer for', () => {
  const sender = new Sender({ bytesPerSecond: 12_500, rttMs: 20, bound: 4000 })
  sender.run(60_000)
  assert.ok(sender.longestQueueMs < 4000, `${sender.longestQueueMs} ms`)
  assert.ok(sender.sent > 0.9 * 60 * 12_500)
})
