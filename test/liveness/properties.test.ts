import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { oneWayBound } from '#src/liveness/answer-age.js'
import type { ProbeKind } from '#src/liveness/port.js'
import { ProbeMemory } from '#src/liveness/probe-memory.js'
import { type Answers, after, never, ScriptedPeer } from './scripted-peer.js'

const interval = fc.constantFrom(50, 1000, 15_000)
const countMax = fc.integer({ min: 1, max: 5 })
const instant = fc.nat(1_000_000)
/** Where in the interval a connection asks. */
const phase = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Such that sums of instants are not rounded: where a test asks for the very instant. */
const exactPhase = fc.nat(1023).map((part) => part / 1024)

/** What may happen to a healthy connection, at an instant of the first 1000 s. */
const event = fc.oneof(
  fc.record({ what: fc.constant('packet' as const), at: instant, ms: fc.constant(0) }),
  fc.record({ what: fc.constant('block' as const), at: instant, ms: fc.nat(120_000) }),
  fc.record({ what: fc.constant('step' as const), at: instant, ms: fc.constant(0) }),
  fc.record({ what: fc.constant('keys' as const), at: instant, ms: fc.nat(900) }),
  fc.record({ what: fc.constant('configure' as const), at: instant, ms: fc.integer({ min: 1000, max: 60_000 }) }),
  fc.record({ what: fc.constant('reply' as const), at: instant, ms: fc.nat(30) }),
  fc.record({ what: fc.constant('probe' as const), at: instant, ms: fc.constant(0) }),
)

function schedule(peer: ScriptedPeer, events: readonly { what: string; at: number; ms: number }[]): void {
  for (const { what, at, ms } of events) {
    const { keepalive } = peer
    if (what === 'packet') peer.arrives(at)
    else if (what === 'block') peer.block(at, ms)
    else if (what === 'step') peer.does(at, () => keepalive.disturbed(peer.now))
    else if (what === 'keys') peer.exchangesKeys(at, ms)
    else if (what === 'configure') {
      peer.does(at, () =>
        keepalive.configure({ ...keepalive.settings, interval: ms, countMax: (ms % 3) + 1 }, peer.now),
      )
    } else if (what === 'reply') peer.arrives(at, () => keepalive.confirmed(peer.now - ms, peer.now))
    else peer.does(at, () => keepalive.probeNow(peer.now, () => {}))
  }
}

const offers: fc.Arbitrary<ProbeKind[]> = fc.subarray(['ping', 'global-request', 'channel-request', 'channel-open'], {
  minLength: 1,
})

test('safety: a peer that answers within less than an interval is never judged dead, whatever else happens', () => {
  fc.assert(
    fc.property(
      countMax,
      fc.nat(990),
      offers,
      fc.array(event, { maxLength: 60 }),
      fc.array(fc.record({ at: instant, ms: fc.nat(30_000_000), back: fc.nat(900), still: fc.boolean() }), {
        maxLength: 3,
      }),
      phase,
      (count, delay, offered, events, sleeps, part) => {
        const peer = new ScriptedPeer({ interval: 1000, countMax: count }, after(delay), undefined, part)
        peer.offered.clear()
        for (const kind of [...offered, 'key-exchange' as const]) peer.offered.add(kind)
        peer.keepalive.start(0)
        schedule(peer, events)
        for (const { at, ms, back, still } of sleeps) peer.sleep(at, ms, Math.min(back, 990 - delay), still)
        peer.run(1_200_000)
        assert.deepEqual(peer.verdicts, [])
      },
    ),
    { numRuns: 300 },
  )
})

test('punctuality: the wake is never behind what is said of the next question', () => {
  fc.assert(
    fc.property(countMax, fc.nat(1500), fc.boolean(), fc.array(event, { maxLength: 40 }), phase, (...drawn) => {
      const [count, delay, wantReply, events, part] = drawn
      const peer = new ScriptedPeer({ interval: 1000, countMax: count, wantReply }, after(delay), undefined, part)
      peer.keepalive.start(0)
      // Close together, so that one meets what another has begun.
      schedule(
        peer,
        events.map((each) => ({ ...each, at: each.at / 250, ms: each.ms / 20 })),
      )
      for (let at = 0; at < 6000; at += 10) {
        peer.run(at)
        const nextMs = peer.keepalive.nextMs(peer.now)
        const wake = peer.deadlines.next()
        if (nextMs === null || peer.verdicts.length > 0) return
        assert.ok(wake !== undefined && wake <= peer.now + nextMs + 0.001, `at ${peer.now}: ${wake}, not in ${nextMs}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('completeness: after silence for ever the verdict comes at the bound exactly, counted from the last packet', () => {
  fc.assert(
    fc.property(
      interval,
      countMax,
      fc.array(fc.nat(100_000), { maxLength: 30 }),
      fc.nat(100_000),
      fc.nat(40),
      exactPhase,
      (every, count, packets, vanishes, delay, part) => {
        const settings = { interval: every, countMax: count }
        let last = 0
        const answers: Answers = (_kind, sentAt) => (sentAt + delay <= vanishes ? delay : undefined)
        const peer = new ScriptedPeer(settings, answers, undefined, part)
        const heard = peer.keepalive.heard.bind(peer.keepalive)
        peer.keepalive.heard = (now, bytes) => {
          last = now
          heard(now, bytes)
        }
        for (const at of packets) if (at <= vanishes) peer.arrives(at)
        peer.keepalive.start(0)
        peer.run(10_000_000)
        assert.equal(peer.verdicts[0]?.at, last + (count + 1) * every)
        assert.equal(peer.verdicts[0]?.reason, 'silence')
      },
    ),
  )
})

test('completeness: a process whose loop is always late still gets its verdict', () => {
  for (const late of [300, 2000, 10_000]) {
    const peer = new ScriptedPeer({ interval: 1000, countMax: 3 }, never)
    peer.keepalive.start(0)
    for (let at = 10; at < 1_000_000; at += late + 50) peer.block(at, late)
    peer.run(1_000_000)
    assert.ok(peer.verdicts.length === 1 && peer.now < 20 * (late + 1000), `late by ${late}: ${peer.now}`)
  }
})

test('one-way: a peer that we hear but that hears us no more is found out within the stated bound', () => {
  fc.assert(
    fc.property(
      interval,
      countMax,
      fc.nat(100),
      fc.integer({ min: 6, max: 100_000 }),
      phase,
      (every, count, gap, deafFrom, part) => {
        const settings = { interval: every, countMax: count }
        const answers: Answers = (_kind, sentAt) => (sentAt < deafFrom ? 5 : undefined)
        const peer = new ScriptedPeer(settings, answers, undefined, part)
        let confirmed = 0
        const answered = peer.keepalive.answered.bind(peer.keepalive)
        peer.keepalive.answered = (probe, now) => {
          confirmed = now
          answered(probe, now)
        }
        peer.keepalive.start(0)
        // A trickle: at most 40 bytes every 50 ms, at least a packet before the silence would be judged.
        const gapMs = 50 + (count * every * gap) / 101
        for (let at = 0; at < deafFrom + 20 * gapMs + 20 * every; at += gapMs) peer.arrives(at, () => {}, 40)
        peer.run(10_000_000)
        const bound = oneWayBound(settings, gapMs)
        assert.equal(peer.verdicts[0]?.reason, 'one-way')
        assert.ok(peer.now <= confirmed + bound, `${peer.now - confirmed} of ${bound}`)
      },
    ),
  )
})

test('completeness: one-way loss is noticed within the bound of the longest gap where packets come unevenly', () => {
  const settings = { interval: 1000, countMax: 3 }
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 100, max: 2900 }), { minLength: 1 }), (gaps) => {
      const peer = new ScriptedPeer(settings, (_kind, sentAt) => (sentAt < 5000 ? 5 : undefined))
      let confirmed = 0
      const answered = peer.keepalive.answered.bind(peer.keepalive)
      peer.keepalive.answered = (probe, now) => {
        confirmed = now
        answered(probe, now)
      }
      peer.keepalive.start(0)
      for (let at = 0, next = 0; at < 60_000; at += gaps[next++ % gaps.length] ?? 1000) peer.arrives(at, () => {}, 40)
      peer.run(60_000)
      assert.equal(peer.verdicts[0]?.reason, 'one-way')
      const bound = oneWayBound(settings, Math.max(...gaps))
      assert.ok(peer.now <= confirmed + bound, `${peer.now - confirmed} of ${bound}`)
    }),
  )
})

test('safety: an outage that heals kills nothing, though what the peer repeats comes before what we repeat', () => {
  fc.assert(
    fc.property(
      countMax,
      instant,
      fc.nat(100),
      fc.nat(100),
      fc.nat(1000),
      phase,
      (count, from, part, rest, gap, share) => {
        const outage = (count - 0.5) * 10 * part
        const heals = from + outage
        // TCP's next attempt comes after at most as long again as it has been trying.
        const repeated = heals + (outage * rest) / 100
        const arrival = (sentAt: number) => (sentAt < from || sentAt > repeated ? sentAt + 20 : repeated + 20)
        const answers: Answers = (_kind, sentAt) => arrival(sentAt) - sentAt
        const peer = new ScriptedPeer({ interval: 1000, countMax: count }, answers, undefined, share)
        peer.keepalive.start(0)
        for (let at = heals; at < repeated + 1000; at += 10 + gap) peer.arrives(at)
        peer.run(1_200_000)
        assert.deepEqual(peer.verdicts, [])
      },
    ),
  )
})

test('mute: a peer that answers no probe, but other things, is never cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1000, 15_000),
      countMax,
      fc.array(event, { maxLength: 30 }),
      fc.boolean(),
      fc.boolean(),
      (every, count, events, remembered, busy) => {
        const memory = new ProbeMemory().of('gear')
        const peer = new ScriptedPeer(
          { interval: every, countMax: count },
          (kind) => (kind === 'key-exchange' ? 100 : undefined),
          memory,
        )
        if (remembered) memory.mute = true
        peer.keepalive.start(0)
        // It is asked something else at once, as by an exec, or never.
        if (busy) peer.arrives(1, () => peer.keepalive.confirmed(1, peer.now))
        schedule(
          peer,
          events.filter(({ what }) => what !== 'reply'),
        )
        peer.run(2_000_000)
        assert.deepEqual(peer.verdicts, [])
        assert.equal(peer.keepalive.liveness(peer.now).bound, null)
      },
    ),
  )
})
