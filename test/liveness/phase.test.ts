import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { lastInstant, phaseOf } from '#src/liveness/phase.js'
import type { SentProbe } from '#src/liveness/port.js'
import { defaultKeepalive } from '#src/liveness/settings.js'
import { type Answers, after, never, ScriptedPeer } from './scripted-peer.js'

const interval = 1000
const slots = 20
const many = 1000

/** Connections to peers that answer alike, made at the same instant. */
function madeTogether(answers: Answers, settings = {}): ScriptedPeer[] {
  return Array.from({ length: many }, (_, index) => {
    const peer = new ScriptedPeer({ interval, ...settings }, answers, undefined, (index * 0.618_033_988_75) % 1)
    peer.keepalive.start(0)
    return peer
  })
}

/** How many questions went out in the fullest slot of those before that instant, of the mean. */
function fullest(peers: readonly ScriptedPeer[], from: number, to: number): number {
  const counts = Array.from({ length: slots }, () => 0)
  const sent = peers.flatMap((peer) => peer.sent).filter(({ at }) => at >= from && at < to)
  for (const { at } of sent) {
    const slot = Math.floor(((at - from) / (to - from)) * slots)
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return Math.max(...counts) / (sent.length / slots)
}

test('of connections that are made together all ask once at once, and from the next question on they are spread', () => {
  const peers = madeTogether(after(10))
  for (const peer of peers) peer.run(5000)
  assert.equal(peers.filter(({ sent }) => sent[0]?.at === 0).length, many)
  for (const from of [500, 1500, 3500]) assert.ok(fullest(peers, from, from + interval) < 1.5, `from ${from}`)
})

test('connections that were all held up ask at once, and are spread again from the next question on', () => {
  const peers = madeTogether(after(10))
  for (const peer of peers) {
    peer.block(5100, 60_000)
    peer.run(70_000)
  }
  assert.ok(fullest(peers, 65_000, 65_200) > 15)
  assert.ok(fullest(peers, 65_111, 66_111) < 1.5)
  assert.ok(fullest(peers, 67_000, 68_000) < 1.5)
})

test('what asks for no answer is spread too', () => {
  const peers = madeTogether(never, { wantReply: false })
  for (const peer of peers) {
    peer.block(5100, 60_000)
    peer.run(70_000)
  }
  assert.ok(fullest(peers, 67_000, 68_000) < 1.5)
})

test('an idle peer is asked once an interval, whatever its round trip, and never later than an interval after its answer', () => {
  for (const roundTrip of [0, 1, 400, 999]) {
    for (const phase of [0, 0.1, 0.5, 0.999]) {
      const peer = new ScriptedPeer({ interval, countMax: 3 }, after(roundTrip), undefined, phase)
      peer.keepalive.start(0)
      peer.run(100_000)
      const instants = peer.sent.map(({ at }) => at)
      assert.ok(instants.length >= 99 - roundTrip / 20 && instants.length <= 102, `${instants.length} questions`)
      for (const [index, at] of instants.slice(1).entries())
        assert.ok(at <= (instants[index] ?? 0) + roundTrip + interval, `${at}`)
      assert.deepEqual([peer.verdicts, peer.changes], [[], []])
    }
  }
})

test('connections on which packets come all the time are spread too', () => {
  const peers = madeTogether(after(10))
  for (const peer of peers) {
    for (let at = 100; at < 8000; at += 100) peer.arrives(at)
    peer.run(8000)
  }
  for (const from of [500, 6500]) assert.ok(fullest(peers, from, from + interval) < 1.5, `from ${from}`)
})

test('a peer that answers something else is asked a whole interval after it', () => {
  const peer = new ScriptedPeer({ interval }, after(10), undefined, 0.5)
  peer.keepalive.start(0)
  peer.arrives(400, () => peer.keepalive.confirmed(390, peer.now))
  peer.run(1450)
  assert.deepEqual(
    peer.sent.map(({ at }) => at),
    [0, 1400],
  )
})

test('after an answer that comes when it is no longer waited for, the next question comes when it says', () => {
  const peer = new ScriptedPeer({ interval }, (kind) => (kind === 'ping' ? undefined : 10), undefined, 0.5)
  const { keepalive } = peer
  const send = peer.send.bind(peer)
  const pings: SentProbe[] = []
  peer.send = (kind) => {
    const probe = send(kind)
    if (kind === 'ping' && probe !== undefined) pings.push(probe)
    return probe
  }
  keepalive.start(0)
  peer.arrives(100, () => keepalive.confirmed(50, peer.now))
  peer.arrives(3480, () => {
    keepalive.confirmed(3470, peer.now)
    keepalive.configure(keepalive.settings, peer.now)
  })
  let nextAt: number | undefined
  peer.arrives(3481, () => {
    for (const ping of pings.splice(0)) keepalive.answered(ping, peer.now)
    nextAt = peer.now + (keepalive.nextMs(peer.now) ?? 0)
  })
  peer.run(6000)
  assert.equal(peer.sent.find(({ at }) => at > 3481)?.at, nextAt)
})

test('one that is asked at the instant of an answer is not asked sooner than an interval after it', () => {
  const peer = new ScriptedPeer({ interval }, (_, at) => (at === 0 ? 400 : undefined), undefined, 0.5)
  const { keepalive } = peer
  keepalive.start(0)
  peer.does(400, () => keepalive.disturbed(peer.now))
  peer.arrives(600)
  peer.run(600)
  assert.equal(keepalive.nextMs(600), 800)
  peer.run(1500)
  assert.deepEqual(
    peer.sent.map(({ at }) => at),
    [0, 400, 1400],
  )
})

/** The whole range of them. */
const phases = Array.from({ length: 50 }, (_, index) => index / 50)

function pauses({ sent }: ScriptedPeer): number[] {
  return sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0))
}

test('a peer that falls silent is sent something every interval and a quarter, so that no NAT forgets it', () => {
  for (const every of [1000, 60_000]) {
    for (const phase of phases) {
      for (const roundTrip of [1, 450]) {
        const peer = new ScriptedPeer(
          { interval: every },
          (_, at) => (at === 0 ? roundTrip : undefined),
          undefined,
          phase,
        )
        peer.keepalive.start(0)
        peer.run(20 * every)
        const longest = every + Math.max(every / 4, roundTrip)
        assert.ok(Math.max(...pauses(peer)) <= longest, `phase ${phase}: ${pauses(peer).join(' ')}`)
        assert.equal(peer.verdicts.length, 1)
      }
    }
  }
})

test('a peer that was frozen for longer than an interval, behind a NAT that remembers for a little more, is not killed', () => {
  for (const phase of phases) {
    const peer = new ScriptedPeer({ interval, countMax: 3 }, never, undefined, phase)
    const nat = { lastAt: 0, hasForgotten: false }
    const passes = (): boolean => {
      nat.hasForgotten ||= peer.now - nat.lastAt > 1.3 * interval
      nat.lastAt = peer.now
      return !nat.hasForgotten
    }
    const send = peer.send.bind(peer)
    peer.send = (kind) => {
      const probe = send(kind)
      if (probe === undefined || !passes()) return probe
      peer.does(peer.now < 10 ? 20 : Math.max(peer.now + 20, 1.5 * interval), () => {
        if (!passes()) return
        peer.keepalive.heard(peer.now, 48)
        peer.keepalive.answered(probe, peer.now)
      })
      return probe
    }
    peer.keepalive.start(0)
    peer.run(20 * interval)
    assert.deepEqual(peer.verdicts, [], `phase ${phase}`)
  }
})

test('nobody is asked again within an interval before the first answer', () => {
  for (const phase of phases) {
    const peer = new ScriptedPeer({ interval }, after(900), undefined, phase)
    peer.keepalive.start(0)
    peer.run(899)
    assert.equal(peer.sent.length, 1, `phase ${phase}`)
  }
})

test('a shorter interval that makes nothing overdue puts no verdict off', () => {
  for (const phase of phases) {
    const peer = new ScriptedPeer({ interval: 1000 }, (_, at) => (at < 2250 ? 350 : undefined), undefined, phase)
    peer.keepalive.start(0)
    let heardAt = Number.NaN
    peer.does(2600, () => {
      heardAt = peer.now - (peer.keepalive.liveness(peer.now).lastHeardMs ?? Number.NaN)
      peer.keepalive.configure({ ...defaultKeepalive, interval: 600 }, peer.now)
    })
    peer.run(20_000)
    const isOverdue = 2600 - heardAt >= 600
    assert.ok(isOverdue || (peer.verdicts[0]?.at ?? Infinity) <= heardAt + 4 * 600, `phase ${phase}`)
  }
})

test('the instant is within the interval before the latest one, and never after it', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 3_600_000 }),
      fc.double({ min: 0, max: 1e11, noNaN: true }),
      (phase, every, latest) => {
        const at = lastInstant(phase, every, latest)
        assert.ok(at <= latest && at > latest - every, `${at}`)
        // The instants of a connection are an interval apart: from one of them the next follows, and not the same again.
        const next = lastInstant(phase, every, at + every)
        assert.ok(next - at > every / 2, `${next - at}`)
      },
    ),
  )
})

test('connections stand at fifty places, by chance at each of them alike, so that those of one place are woken together', () => {
  const shares = Array.from({ length: 0x10000 }, (_, index) => index / 0x10000)
  const counts = new Map<number, number>()
  for (const share of shares) counts.set(phaseOf(share), (counts.get(phaseOf(share)) ?? 0) + 1)
  assert.equal(counts.size, 50)
  for (const [phase, count] of counts) {
    assert.ok(phase >= 0 && phase < 1 && count >= 1310 && count <= 1311, `${phase}: ${count}`)
  }
  const instants = shares.map((share) => lastInstant(phaseOf(share), 5000, 3_600_123.456))
  assert.equal(new Set(instants).size, 50)
})
