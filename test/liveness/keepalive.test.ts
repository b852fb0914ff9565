import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneWayBound } from '#src/liveness/answer-age.js'
import { after, never, ScriptedPeer } from './scripted-peer.js'

const second = { interval: 1000, countMax: 3 }

/** A peer that answers until it vanishes. */
function vanishing(settings: { interval: number; countMax: number }, at: number): ScriptedPeer {
  const peer = new ScriptedPeer(settings, (_kind, sentAt) => (sentAt < at ? 10 : undefined))
  peer.keepalive.start(0)
  return peer
}

test('the first probe goes out at start, not before', () => {
  const peer = new ScriptedPeer(second, after(10))
  peer.keepalive.heard(0, 48)
  assert.deepEqual(peer.sent, [])
  peer.keepalive.start(0)
  assert.deepEqual(peer.sent, [{ at: 0, kind: 'ping' }])
})

test('an idle peer that answers stays alive and is asked once an interval', () => {
  const peer = new ScriptedPeer(second, after(10))
  let wakes = 0
  const { deadlines } = peer
  const expire = deadlines.expire.bind(deadlines)
  deadlines.expire = (now) => {
    if ((deadlines.next() ?? Number.POSITIVE_INFINITY) <= now) wakes++
    expire(now)
  }
  peer.keepalive.start(0)
  peer.run(100_000)
  assert.ok(wakes <= 101, `${wakes} wakes, where one an interval has something to do`)
  assert.equal(peer.verdicts.length, 0)
  assert.equal(peer.changes.length, 0)
  assert.ok(peer.sent.length >= 98 && peer.sent.length <= 101, `${peer.sent.length} probes`)
  assert.equal(peer.keepalive.liveness(peer.now).rttMs, 10)
})

test('the verdict comes (countMax + 1) intervals after the last packet, with a suspicion before and evidence after', () => {
  const peer = vanishing(second, 1000).run(60_000)
  assert.deepEqual(
    peer.changes.map(({ at, from, to }) => ({ at, from, to })),
    [{ at: 2010, from: 'alive', to: 'suspect' }],
  )
  const [verdict] = peer.verdicts
  assert.equal(verdict?.at, 4010)
  assert.equal(verdict?.reason, 'silence')
  assert.deepEqual(verdict?.evidence, {
    lastHeardMs: 4000,
    probesSent: 5,
    probesUnanswered: 4,
    rttMs: 10,
    unsentBytes: 0,
    loopBlockedMs: 0,
  })
  assert.equal(peer.keepalive.liveness(peer.now).state, 'dead')
  assert.equal(peer.deadlines.size, 0)
})

test('a peer that vanished before its first answer is judged, after a key exchange was asked of it', () => {
  const peer = new ScriptedPeer(second, never)
  peer.keepalive.start(0)
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.at, 4000)
  assert.deepEqual(peer.sent, [
    { at: 0, kind: 'ping' },
    { at: 1000, kind: 'global-request' },
    { at: 2000, kind: 'channel-open' },
    { at: 3000, kind: 'ping' },
    { at: 3250, kind: 'key-exchange' },
  ])
})

test('a mute peer answers the key exchange, and is never judged by silence from then on', () => {
  const peer = new ScriptedPeer(second, (kind) => (kind === 'key-exchange' ? 10 : undefined))
  peer.keepalive.start(0)
  peer.run(100_000)
  assert.deepEqual(peer.verdicts, [])
  assert.equal(peer.keepalive.liveness(peer.now).bound, null)
  assert.equal(peer.sent.filter(({ kind }) => kind === 'key-exchange').length, 1)
})

test('with one question alone the verdict comes where others become suspect', () => {
  const peer = vanishing({ interval: 1000, countMax: 1 }, 1)
  peer.run(60_000)
  assert.deepEqual(
    peer.verdicts.map(({ at, from }) => [at, from]),
    [[2010, 'alive']],
  )
  assert.deepEqual(peer.changes, [])
})

test('an outage that heals before the bound makes the peer suspect, then alive again', () => {
  // TCP brings nothing while it lasts, and then everything.
  const heals = 8009
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt > 4500 && sentAt < heals ? heals - sentAt : 10))
  peer.keepalive.start(0)
  peer.run(20_000)
  assert.deepEqual(peer.verdicts, [])
  assert.deepEqual(
    peer.changes.map(({ at, to }) => ({ at, to })),
    [
      { at: 6010, to: 'suspect' },
      { at: heals, to: 'alive' },
    ],
  )
})

test('a wake that comes late never judges: it reads, asks again, and gives the answer its whole time', () => {
  const peer = vanishing(second, 1000)
  peer.block(4000, 500)
  peer.run(60_000)
  // A look was due at 4000, and the verdict at 4010; found at 4500 that the loop was blocked.
  assert.equal(peer.verdicts[0]?.at, 5500)
  assert.equal(peer.verdicts[0]?.evidence.loopBlockedMs, 500)
  assert.equal(peer.verdicts[0]?.evidence.probesUnanswered, 4)
})

test('a loop blocked for longer than the bound kills nothing, and what was asked meanwhile is asked afterwards', () => {
  const peer = new ScriptedPeer(second, after(900))
  peer.keepalive.start(0)
  peer.block(950, 70_000)
  peer.run(100_000)
  assert.deepEqual(peer.verdicts, [])
  assert.deepEqual(peer.changes, [])
  assert.ok(peer.sent.some(({ at }) => at === 70_950))
})

test('after a long round trip a late wake waits for two of them', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 1800 : undefined))
  peer.keepalive.start(0)
  peer.arrives(900)
  peer.block(5700, 400)
  peer.run(60_000)
  // Heard last at 1800, due at 5800; asked again at 6100.
  assert.equal(peer.verdicts[0]?.at, 6100 + 2 * 1800)
})

test('before the first round trip a late wake waits for two of those that authentication took', () => {
  for (const [heals, isAlive] of [
    [4400 + 2 * 1500 - 1, true],
    [4400 + 2 * 1500 + 1, false],
  ] as const) {
    const peer = new ScriptedPeer(second, (_kind, sentAt) => heals - sentAt)
    for (const ms of [9000, 1500, 2000]) peer.keepalive.loginAnswered(ms)
    peer.keepalive.start(0)
    // Due at 4000; found at 4400 that the loop was blocked.
    peer.block(3900, 500)
    peer.run(8000)
    assert.equal(peer.verdicts.length === 0, isAlive, `${heals}`)
  }
})

test('one round trip that an outage made long does not put off a verdict', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 10 : sentAt < 1500 ? 1800 : undefined))
  peer.keepalive.start(0)
  peer.does(3000, () => peer.keepalive.disturbed(3000))
  peer.run(60_000)
  assert.equal(peer.keepalive.liveness(peer.now).rttMs, 1800)
  // Last heard at 2800, and asked anew from 3000 on.
  assert.equal(peer.verdicts[0]?.at, 6800)
})

test('nor does the first of all, where authentication was quick', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 1800 : undefined))
  peer.keepalive.loginAnswered(10)
  peer.keepalive.start(0)
  peer.does(2500, () => peer.keepalive.disturbed(2500))
  peer.run(60_000)
  assert.equal(peer.keepalive.liveness(peer.now).rttMs, 1800)
  assert.equal(peer.verdicts[0]?.at, 5800)
})

test('an answer that waited while the loop was blocked is no long round trip', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 2000 ? 10 : undefined))
  peer.keepalive.start(0)
  peer.block(1002, 60_000)
  peer.run(200_000)
  // The answer of 1010 is read at 61002, and nothing comes any more.
  assert.equal(peer.keepalive.liveness(peer.now).rttMs, 10)
  assert.equal(peer.verdicts[0]?.at, 65_002)
})

test('a step of the wall clock costs one probe', () => {
  const peer = new ScriptedPeer(second, after(10))
  peer.keepalive.start(0)
  peer.does(300, () => peer.keepalive.disturbed(300))
  peer.run(900)
  assert.deepEqual(
    peer.sent.map(({ at }) => at),
    [0, 300],
  )
})

test('a wall clock that steps for ever does not put off the verdict for ever', () => {
  const peer = vanishing(second, 1)
  for (let at = 500; at < 60_000; at += 500) peer.does(at, () => peer.keepalive.disturbed(peer.now))
  peer.run(60_000)
  assert.ok(peer.now < 10_000, `${peer.now}`)
})

test('a key exchange asks by itself: nothing is sent in it, and it puts off no verdict', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 10 : undefined))
  peer.keepalive.start(0)
  peer.does(1500, () => {
    peer.inKeyExchange = true
    peer.keepalive.keyExchangeStarted()
  })
  peer.run(60_000)
  assert.deepEqual(peer.sent, [
    { at: 0, kind: 'ping' },
    { at: 1000, kind: 'ping' },
  ])
  assert.equal(peer.verdicts[0]?.at, 4010)
  assert.equal(peer.verdicts[0]?.evidence.probesUnanswered, 1)
})

test('what a key exchange voided or held up is asked after it', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt === 1000 ? undefined : 10))
  peer.keepalive.start(0)
  peer.exchangesKeys(1005, 200)
  peer.run(1300)
  assert.deepEqual(
    peer.sent.map(({ at }) => at),
    [0, 1000, 1205],
  )
  assert.equal(peer.keepalive.evidence(peer.now).probesUnanswered, 0)
})

test('a shorter interval asks before it judges', () => {
  const peer = new ScriptedPeer({ interval: 60_000, countMax: 3 }, (_kind, sentAt) => (sentAt < 1 ? 10 : undefined))
  peer.keepalive.start(0)
  peer.does(30_000, () => peer.keepalive.configure({ ...peer.keepalive.settings, ...second }, 30_000))
  peer.run(100_000)
  assert.deepEqual(
    peer.sent.map(({ at }) => at),
    [0, 30_000, 31_000, 32_000, 32_250],
  )
  assert.equal(peer.verdicts[0]?.at, 33_000)
})

test('a shorter interval that makes nothing overdue does not put off the verdict beyond its bound', () => {
  const peer = new ScriptedPeer({ interval: 15_000, countMax: 3 }, never)
  // What a slow login shows of the link is no reason to wait longer than is told.
  peer.keepalive.loginAnswered(9600)
  peer.keepalive.start(0)
  peer.keepalive.configure({ ...peer.keepalive.settings, interval: 13_000, countMax: 1 }, peer.now)
  assert.equal(peer.keepalive.liveness(peer.now).bound, 26_000)
  peer.run(100_000)
  assert.equal(peer.verdicts[0]?.at, 26_000)
})

test('an interval that comes at once has its whole bound and no more', () => {
  const peer = new ScriptedPeer({ interval: false }, never)
  peer.keepalive.loginAnswered(9600)
  peer.keepalive.start(0)
  peer.does(500, () => peer.keepalive.configure({ ...peer.keepalive.settings, ...second }, peer.now))
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.at, 4000)
})

test('a shorter interval again and again does not put off the verdict for ever', () => {
  const peer = new ScriptedPeer({ interval: 3000, countMax: 3 }, never)
  peer.keepalive.start(0)
  for (let at = 500; at < 60_000; at += 500) {
    const settings = { ...peer.keepalive.settings, interval: at % 1000 === 0 ? 1000 : 1100 }
    peer.does(at, () => peer.keepalive.configure(settings, peer.now))
  }
  peer.run(60_000)
  assert.ok(peer.now < 10_000, `${peer.now}`)
})

test('fewer questions at a longer interval do not put the verdict off beyond the new bound', () => {
  const peer = vanishing({ interval: 2000, countMax: 4 }, 3000)
  peer.does(10_500, () =>
    peer.keepalive.configure({ ...peer.keepalive.settings, interval: 5000, countMax: 2 }, peer.now),
  )
  peer.run(100_000)
  // Last heard at 2010, and last asked at 10010.
  assert.equal(peer.verdicts[0]?.at, 17_010)
})

test('the same settings again and again do not put off the verdict on a peer that is heard and does not hear', () => {
  const peer = vanishing(second, 5000)
  for (let at = 0; at < 60_000; at += 300) peer.arrives(at)
  for (let at = 500; at < 60_000; at += 500)
    peer.does(at, () => peer.keepalive.configure({ ...peer.keepalive.settings }, peer.now))
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  assert.ok(peer.now <= 5000 + oneWayBound(second), `${peer.now}`)
})

test('without a wanted reply something goes out once an interval, and proves nothing', () => {
  const peer = new ScriptedPeer({ ...second, wantReply: false }, never)
  peer.keepalive.start(0)
  peer.run(20_500)
  assert.deepEqual(
    peer.sent,
    Array.from({ length: 21 }, (_, n) => ({ at: 1000 * n, kind: 'refresh' })),
  )
  assert.deepEqual([peer.verdicts, peer.changes], [[], []])
  assert.equal(peer.keepalive.liveness(peer.now).bound, null)
})

test('once replies are wanted, only probes that asked for one count', () => {
  const peer = new ScriptedPeer({ ...second, wantReply: false }, never)
  peer.keepalive.start(0)
  peer.does(20_500, () => peer.keepalive.configure({ ...peer.keepalive.settings, wantReply: true }, peer.now))
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.at, 23_500)
})

test('without an interval nothing goes out by itself and nothing is due, but one can ask', () => {
  const peer = new ScriptedPeer({ interval: false }, after(10))
  peer.keepalive.start(0)
  peer.run(100_000)
  assert.deepEqual(peer.sent, [])
  assert.equal(peer.deadlines.size, 0)
  let rtt = 0
  peer.keepalive.probeNow(peer.now, ({ rttMs }) => {
    rtt = rttMs
  })
  peer.run(200_000)
  assert.equal(rtt, 10)
  assert.equal(peer.keepalive.nextMs(peer.now), null)
})

test('an interval that comes later begins to ask at once', () => {
  const peer = new ScriptedPeer({ interval: false }, never)
  peer.keepalive.start(0)
  peer.does(10_000, () => peer.keepalive.configure({ ...peer.keepalive.settings, ...second }, peer.now))
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.at, 13_000)
})

test('where silence is not judged, bytes that the kernel does not take for the bound are', () => {
  const peer = new ScriptedPeer({ ...second, wantReply: false }, never)
  peer.keepalive.start(0)
  peer.does(10_300, () => {
    peer.stuck = 10_300
    peer.unsent = 65_536
  })
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.reason, 'writes')
  assert.equal(peer.verdicts[0]?.at, 14_300)
  assert.equal(peer.verdicts[0]?.evidence.unsentBytes, 65_536)
})

test('bytes that wait while packets come are no verdict', () => {
  const peer = new ScriptedPeer({ ...second, wantReply: false }, never)
  peer.keepalive.start(0)
  peer.stuck = 0
  for (let at = 0; at < 30_000; at += 3000) peer.arrives(at)
  peer.run(30_000)
  assert.deepEqual(peer.verdicts, [])
})

test('stop ends everything, also from within the port', () => {
  const peer = new ScriptedPeer(second, never)
  peer.keepalive.start(0)
  peer.send = () => {
    peer.keepalive.stop()
    return undefined
  }
  peer.run(60_000)
  assert.deepEqual(peer.verdicts, [])
  assert.equal(peer.deadlines.size, 0)
})

test('to hear a packet touches no deadline', () => {
  const peer = new ScriptedPeer(second, after(10))
  peer.keepalive.start(0)
  peer.deadlines.add = () => assert.fail('a packet made a deadline')
  for (let n = 0; n < 1000; n++) peer.keepalive.heard(n / 2, 100)
})

test('a write that is found stuck by a late wake gets another interval', () => {
  const peer = new ScriptedPeer({ ...second, wantReply: false }, never)
  peer.keepalive.start(0)
  peer.does(10_300, () => {
    peer.stuck = 10_300
  })
  peer.block(14_100, 1000)
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.at, 16_100)
})

test('a peer that never answered is not given up without the last question, though settings change meanwhile', () => {
  const peer = new ScriptedPeer(second, never)
  peer.keepalive.start(0)
  peer.does(2500, () => peer.keepalive.configure({ ...peer.keepalive.settings, countMax: 1 }, peer.now))
  peer.run(60_000)
  assert.deepEqual(peer.sent.at(-1), { at: 2750, kind: 'key-exchange' })
  assert.equal(peer.verdicts[0]?.at, 3500)
})

test('a sleep of the machine does not hide between two wakes before the verdict', () => {
  const peer = new ScriptedPeer({ interval: 15_000, countMax: 1 }, (_kind, sentAt) => (sentAt < 20_000 ? 10 : 12_000))
  peer.keepalive.start(0)
  // Asked at 30020, due at 45020; the answer would come at 42020, and the network is back 3 s after the wake at 44000.
  peer.sleep(32_000, 12_000, 3000, false)
  peer.run(100_000)
  assert.deepEqual(peer.verdicts, [])
})

for (const [what, call] of [
  [
    'new settings',
    ({ keepalive, now }: ScriptedPeer) => keepalive.configure({ ...keepalive.settings, interval: 41_109 }, now),
  ],
  ['a question', ({ keepalive, now }: ScriptedPeer) => void keepalive.probeNow(now, () => {})],
] as const) {
  test(`${what} that come before our own wake after a sleep do not hide how late that is`, () => {
    const peer = new ScriptedPeer({ interval: 1000, countMax: 1 }, after(210))
    peer.keepalive.start(0)
    peer.does(251_682, () => call(peer))
    peer.sleep(251_681, 80_438, 780, false)
    peer.run(1_200_000)
    assert.deepEqual(peer.verdicts, [])
  })
}

test('a block that calls of the program meet before our own wake is not taken for a round trip', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 20 : undefined))
  peer.keepalive.start(0)
  peer.block(5, 60_000)
  for (const at of [10, 11]) peer.does(at, () => peer.keepalive.probeNow(peer.now, () => {}))
  // From now on each question gets two round trips for its answer.
  peer.block(60_900, 400)
  peer.run(300_000)
  assert.equal(peer.verdicts[0]?.reason, 'silence')
  assert.ok(peer.now < 70_000, String(peer.now))
})

test('a packet after a step of the clock brings the next question as soon as is said of it', () => {
  const peer = new ScriptedPeer(second, after(10))
  peer.keepalive.start(0)
  peer.exchangesKeys(1100, 5000)
  // Nothing can be asked now, so nothing waits for an answer.
  peer.does(1110, () => peer.keepalive.disturbed(peer.now))
  peer.arrives(1150)
  peer.run(1160)
  assert.equal(peer.keepalive.nextMs(1160), 990)
  peer.run(2149)
  assert.equal(peer.keepalive.liveness(2149).unanswered, 0)
  peer.run(2150)
  assert.equal(peer.keepalive.liveness(2150).unanswered, 1)
})
