import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oneWayBound } from '#src/liveness/answer-age.js'
import { type ProbeKind, probeKinds, type SentProbe } from '#src/liveness/port.js'
import { type HostMemory, ProbeMemory } from '#src/liveness/probe-memory.js'
import { never, ScriptedPeer } from './scripted-peer.js'

const second = { interval: 1000, countMax: 3 }

/** A peer that answers these kinds alone. */
function answering(kinds: readonly ProbeKind[], memory?: HostMemory): ScriptedPeer {
  const peer = new ScriptedPeer(second, (kind) => (kinds.includes(kind) ? 10 : undefined), memory)
  peer.keepalive.start(0)
  return peer
}

function kindsSent(peer: ScriptedPeer): (ProbeKind | 'refresh')[] {
  return peer.sent.map(({ kind }) => kind)
}

test('a peer deaf to one kind is found out by the next, and asked by that from then on', () => {
  const memory = new ProbeMemory().of('host')
  const peer = answering(['global-request'], memory)
  peer.run(5500)
  assert.deepEqual(kindsSent(peer), [
    'ping',
    'global-request',
    'global-request',
    'global-request',
    'global-request',
    'global-request',
  ])
  assert.deepEqual([...memory.deaf], ['ping'])
  assert.deepEqual(peer.changes, [])
})

test('a kind is deaf only after something sent later was answered, and a further interval', () => {
  const memory = new ProbeMemory().of('host')
  const peer = answering(['global-request'], memory)
  peer.run(2009)
  assert.equal(memory.deaf.size, 0)
  peer.run(2010)
  assert.deepEqual([...memory.deaf], ['ping'])
})

test('a probe is passed over also by one that went out at the same instant, so that no living peer is judged by it', () => {
  const peer = answering(['global-request'])
  peer.keepalive.probeNow(0, () => {})
  // It is heard all the time, and has left the first probe unanswered.
  for (let at = 500; at < 60_000; at += 500) peer.arrives(at)
  peer.run(60_000)
  assert.deepEqual(peer.verdicts, [])
})

test('a question to whose kind the peer is deaf tells nothing of one that is heard', () => {
  const memory: HostMemory = { deaf: new Set(['global-request', 'channel-open']), mute: false }
  const answered = new Set<ProbeKind>(['channel-request', 'key-exchange'])
  const peer = new ScriptedPeer(second, (kind) => (answered.has(kind) ? 10 : undefined), memory)
  peer.offered.delete('ping')
  peer.offered.add('channel-request')
  peer.keepalive.start(0)
  peer.does(500, () => peer.offered.delete('channel-request'))
  peer.does(600, () => peer.keepalive.probeNow(peer.now, () => {}))
  for (let at = 700; at < 60_000; at += 500) peer.arrives(at)
  peer.run(60_000)
  assert.equal(kindsSent(peer)[1], 'global-request')
  assert.deepEqual(peer.verdicts, [])
})

test('with a kind to which the peer is deaf go those of it that nothing has passed over', () => {
  // It answers what is asked at 1300, which passes over the PINGs before it; another PING goes out after it.
  const peer = answering(['global-request'])
  peer.offered.delete('global-request')
  peer.does(1200, () => peer.offered.add('global-request'))
  peer.does(1300, () => peer.keepalive.probeNow(peer.now, () => {}))
  peer.does(1301, () => {
    peer.offered.delete('global-request')
    peer.keepalive.probeNow(peer.now, () => {})
    peer.offered.add('global-request')
  })
  for (let at = 1500; at < 60_000; at += 500) peer.arrives(at)
  peer.run(60_000)
  assert.deepEqual(peer.verdicts, [])
})

test('what a host taught is remembered by the next connection to it', () => {
  const memory = new ProbeMemory()
  answering(['channel-open'], memory.of('host:22')).run(10_000)
  assert.deepEqual(kindsSent(answering(['channel-open'], memory.of('host:22'))), ['channel-open'])
  assert.deepEqual(kindsSent(answering(['channel-open'], memory.of('other:22'))), ['ping'])
})

test('a late answer takes back what its absence taught', () => {
  const memory = new ProbeMemory().of('host')
  const peer = new ScriptedPeer(second, (kind) => (kind === 'ping' ? 5000 : 10), memory)
  peer.keepalive.start(0)
  peer.run(4900)
  assert.deepEqual([...memory.deaf], ['ping'])
  peer.run(5100)
  assert.equal(memory.deaf.size, 0)
})

test('a kind that the peer answered and answers no more gives way to the next', () => {
  const peer = new ScriptedPeer(second, (kind, sentAt) => (kind === 'ping' && sentAt >= 5000 ? undefined : 10))
  peer.keepalive.start(0)
  // Something else is answered now and then, so that it is known to hear us.
  for (let at = 5500; at < 20_000; at += 700) peer.arrives(at, () => peer.keepalive.confirmed(at - 5, peer.now))
  peer.run(20_000)
  assert.deepEqual(peer.verdicts, [])
  assert.equal(kindsSent(peer).at(-1), 'global-request')
  assert.equal(peer.keepalive.liveness(peer.now).bound, 4000)
})

test('a mute peer is known by what else it answers, and has no bound from then on', () => {
  const memory = new ProbeMemory().of('host')
  const peer = answering([], memory)
  peer.arrives(20, () => peer.keepalive.confirmed(10, peer.now))
  peer.run(900)
  assert.equal(peer.keepalive.liveness(peer.now).bound, 4000)
  peer.run(600_000)
  assert.equal(peer.keepalive.liveness(peer.now).bound, null)
  assert.deepEqual([peer.verdicts, peer.changes], [[], []])
  assert.equal(memory.mute, true)
})

test('a mute peer is asked by each kind once, and then only kept in the memory of a NAT', () => {
  const peer = answering([])
  peer.arrives(20, () => peer.keepalive.confirmed(10, peer.now))
  peer.run(100_000)
  const asked = kindsSent(peer).filter((kind) => kind !== 'refresh')
  assert.equal(new Set(asked).size, asked.length)
  assert.ok(!asked.includes('key-exchange'))
  assert.ok(peer.sent.length > 95)
})

test('a peer that answered once is judged: it is not mute', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt === 0 ? 10 : undefined))
  peer.keepalive.start(0)
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.at, 4010)
  assert.equal(kindsSent(peer).indexOf('key-exchange'), 4)
})

test('a host remembered as mute is not judged before it answers, and is judged once it does', () => {
  const memory = new ProbeMemory().of('host')
  memory.mute = true
  const silent = new ScriptedPeer(second, never, memory)
  silent.keepalive.start(0)
  silent.run(60_000)
  assert.deepEqual(silent.verdicts, [])
  const mended = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 5000 ? 10 : undefined), memory)
  mended.keepalive.start(0)
  mended.run(60_000)
  assert.equal(mended.verdicts.length, 1)
})

test('the probe of a closed channel is void, and teaches nothing', () => {
  const memory = new ProbeMemory().of('host')
  const peer = new ScriptedPeer(second, never, memory)
  peer.offered.clear()
  peer.offered.add('channel-request')
  const send = peer.send.bind(peer)
  peer.send = (kind) => {
    const probe = send(kind)
    if (probe !== undefined) peer.arrives(peer.now + 10, () => peer.keepalive.voided(probe, peer.now))
    return probe
  }
  peer.keepalive.start(0)
  peer.arrives(20, () => peer.keepalive.confirmed(15, peer.now))
  peer.run(2000)
  assert.equal(memory.deaf.size, 0)
  assert.equal(peer.keepalive.evidence(peer.now).probesUnanswered, 0)
})

test('the memory of hosts is bounded, and forgets the least recently used', () => {
  const memory = new ProbeMemory()
  for (const kind of probeKinds) memory.of('first').deaf.add(kind)
  memory.of('second').mute = true
  for (let n = 0; n < 1022; n++) memory.of(`host${n}`)
  memory.of('first')
  memory.of('one more')
  assert.equal(memory.of('first').deaf.size, probeKinds.length)
  assert.equal(memory.of('second').mute, false)
})

test('an answer to something sent before a probe says nothing of the probe', () => {
  const memory = new ProbeMemory().of('host')
  const peer = new ScriptedPeer(second, () => 1500, memory)
  peer.keepalive.start(0)
  peer.arrives(100, () => peer.keepalive.confirmed(0, peer.now))
  peer.run(1400)
  assert.equal(memory.deaf.size, 0)
})

test('a machine that slept before the answer came has not found the peer deaf', () => {
  const memory = new ProbeMemory().of('host')
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 10 : 500), memory)
  peer.keepalive.start(0)
  // Asked at 1010; something sent later is answered, and then the machine sleeps.
  peer.arrives(1050, () => peer.keepalive.confirmed(1020, peer.now))
  peer.sleep(1100, 5000, 20, false)
  peer.run(6400)
  assert.equal(memory.deaf.size, 0)
  peer.run(10_000)
  assert.equal(peer.keepalive.liveness(peer.now).bound, 4000)
})

test('a peer that answers only on an open session is asked by a key exchange before it is judged, where none is open', () => {
  const memory = new ProbeMemory().of('host')
  for (const kind of ['ping', 'global-request', 'channel-open'] as const) memory.deaf.add(kind)
  const answered = new Set<ProbeKind>(['channel-request', 'key-exchange'])
  const peer = new ScriptedPeer(second, (kind) => (answered.has(kind) ? 10 : undefined), memory)
  peer.offered.add('channel-request')
  peer.keepalive.start(0)
  peer.does(5500, () => peer.offered.delete('channel-request'))
  peer.run(60_500)
  assert.equal(peer.verdicts.length, 0)
  assert.ok(peer.sent.some(({ kind, at }) => kind === 'key-exchange' && at > 5500))
  answered.clear()
  const from = peer.now
  peer.run(120_000)
  assert.equal(peer.verdicts[0]?.reason, 'silence')
  assert.ok(peer.now - from <= 4000, `${peer.now - from} ms`)
})

test('a kind that the peer never answered is not its last question, though it can be sent and what it answers cannot', () => {
  const memory = new ProbeMemory().of('host')
  for (const kind of ['global-request', 'channel-open'] as const) memory.deaf.add(kind)
  const answered = new Set<ProbeKind>(['channel-request', 'key-exchange'])
  const peer = new ScriptedPeer(second, (kind) => (answered.has(kind) ? 10 : undefined), memory)
  peer.keepalive.start(0)
  // The PING that meets a key exchange is void: that it was not answered says nothing, so it may be asked again.
  peer.exchangesKeys(100, 200)
  peer.does(200, () => peer.offered.add('channel-request'))
  peer.does(5500, () => peer.offered.delete('channel-request'))
  peer.run(60_500)
  assert.equal(peer.verdicts.length, 0)
  answered.clear()
  const from = peer.now
  peer.run(120_000)
  assert.equal(peer.verdicts[0]?.reason, 'silence')
  assert.ok(peer.now - from <= 4000, `${peer.now - from} ms`)
})

test('what another connection finds the host deaf to is asked on where it was answered', () => {
  const memory = new ProbeMemory().of('host')
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 5000 ? 10 : undefined), memory)
  peer.keepalive.start(0)
  for (let at = 0; at < 60_000; at += 300) peer.arrives(at)
  // The same name leads to another machine, through another hop.
  peer.does(4000, () => {
    for (const kind of probeKinds) memory.deaf.add(kind)
    memory.mute = true
  })
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  assert.ok(peer.now <= 5000 + oneWayBound(second), `${peer.now}`)
})

/** A peer that answers only on an open session, of which there is one until 5500, and is heard all the time. */
function heardWithoutSession(): { readonly peer: ScriptedPeer; readonly answered: Set<ProbeKind> } {
  const answered = new Set<ProbeKind>(['channel-request', 'key-exchange'])
  const peer = new ScriptedPeer(second, (kind) => (answered.has(kind) ? 10 : undefined))
  peer.keepalive.start(0)
  peer.does(200, () => peer.offered.add('channel-request'))
  peer.does(5500, () => peer.offered.delete('channel-request'))
  for (let at = 300; at < 100_000; at += 300) peer.arrives(at)
  return { peer, answered }
}

test('a peer that is heard is not given up for a question that it never answered', () => {
  const { peer } = heardWithoutSession()
  peer.run(60_000)
  assert.equal(peer.verdicts.length, 0)
  assert.ok(peer.sent.some(({ kind, at }) => kind === 'key-exchange' && at > 5500))
})

test('a peer that is heard is not given up because the program asked what it never answers', () => {
  const { peer } = heardWithoutSession()
  for (let at = 10_000; at < 60_000; at += 700) peer.does(at, () => peer.keepalive.probeNow(peer.now, () => {}))
  peer.run(60_000)
  assert.equal(peer.verdicts.length, 0)
})

test('a peer that is heard and does not hear is asked by a key exchange where nothing else proves anything', () => {
  const { peer, answered } = heardWithoutSession()
  peer.does(30_000, () => answered.clear())
  peer.run(60_000)
  assert.equal(peer.inKeyExchange, true)
  const last = peer.sent.findLast(({ kind }) => kind === 'key-exchange')
  assert.ok(last !== undefined && last.at >= 30_000 && last.at <= 35_000, `${last?.at}`)
})

test('fewer questions do not let a silent peer be judged before it was asked what it answers', () => {
  const answered = new Set<ProbeKind>(['channel-request', 'key-exchange'])
  const peer = new ScriptedPeer(second, (kind) => (answered.has(kind) ? 10 : undefined))
  peer.offered.delete('ping')
  peer.offered.add('channel-request')
  peer.keepalive.start(0)
  peer.does(5500, () => peer.offered.delete('channel-request'))
  // Twice it was asked by what it never answered.
  peer.does(7900, () => peer.keepalive.configure({ ...peer.keepalive.settings, countMax: 1 }, peer.now))
  peer.run(60_000)
  assert.equal(peer.verdicts.length, 0)
})

test('a key exchange of ours that meets a silence takes back no question, and puts no verdict off', () => {
  const peer = new ScriptedPeer({ interval: 2000, countMax: 3 }, (_kind, sentAt) => (sentAt < 3000 ? 20 : undefined))
  peer.keepalive.start(0)
  peer.does(6300, () =>
    peer.keepalive.configure({ ...peer.keepalive.settings, interval: 15_000, countMax: 1 }, peer.now),
  )
  peer.does(11_700, () => {
    peer.inKeyExchange = true
    peer.keepalive.keyExchangeStarted()
  })
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.reason, 'silence')
  assert.ok(peer.now <= 2040 + 30_000, `${peer.now}`)
})

describe('a peer that answered before and leaves its questions unanswered now', () => {
  const leavesFrom = 20_000
  const answers = (kind: ProbeKind, sentAt: number) => (kind === 'key-exchange' || sentAt < leavesFrom ? 10 : undefined)

  for (const countMax of [1, 2, 3]) {
    test(`is asked for a key exchange before its silence is judged, with a count of ${countMax}`, () => {
      const peer = new ScriptedPeer({ interval: 1000, countMax }, answers)
      peer.keepalive.start(0)
      peer.run(leavesFrom + 60_000)
      assert.deepEqual(peer.verdicts, [])
      assert.ok(peer.sent.some(({ kind }) => kind === 'key-exchange'))
    })

    test(`and before it is taken for one that does not hear us, with a count of ${countMax}`, () => {
      const peer = new ScriptedPeer({ interval: 1000, countMax }, answers)
      for (let at = 100; at < leavesFrom + 30_000; at += 200) peer.arrives(at, () => {}, 40)
      peer.keepalive.start(0)
      peer.run(leavesFrom + 60_000)
      assert.deepEqual(peer.verdicts, [])
    })

    test(`and is given up within the bound where it does not answer that either, with a count of ${countMax}`, () => {
      const peer = new ScriptedPeer({ interval: 1000, countMax }, (_kind, sentAt) =>
        sentAt < leavesFrom ? 10 : undefined,
      )
      peer.keepalive.start(0)
      peer.run(leavesFrom + 60_000)
      const [verdict] = peer.verdicts
      assert.equal(verdict?.reason, 'silence')
      const silentMs = peer.now - leavesFrom
      assert.ok(silentMs > countMax * 1000 && silentMs <= (countMax + 1) * 1000 + 20, String(silentMs))
    })
  }
})

test('one that takes longer than a quarter of an interval for its answers is not asked for a key exchange each time', () => {
  const peer = new ScriptedPeer({ interval: 3000, countMax: 1 }, () => 800)
  peer.keepalive.start(0)
  peer.run(60_000)
  assert.ok(!kindsSent(peer).includes('key-exchange'))
})

test('a peer that closes the session on which it was asked gets its whole time from then', () => {
  const peer = new ScriptedPeer(second, (kind, sentAt) =>
    kind === 'channel-request' && sentAt < 5000 ? 10 : undefined,
  )
  peer.offered.delete('ping')
  peer.offered.add('channel-request')
  const waiting: SentProbe[] = []
  const send = peer.send.bind(peer)
  peer.send = (kind) => {
    const probe = send(kind)
    if (probe !== undefined && kind === 'channel-request' && peer.now >= 5000) waiting.push(probe)
    return probe
  }
  for (let at = 100; at < 60_000; at += 200) peer.arrives(at, () => {}, 40)
  peer.keepalive.start(0)
  const closesAt = 8800
  peer.arrives(closesAt, () => {
    peer.offered.delete('channel-request')
    for (const probe of waiting) peer.keepalive.voided(probe, peer.now)
  })
  peer.run(60_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  assert.ok(peer.now >= closesAt + 4000, String(peer.now))
})
