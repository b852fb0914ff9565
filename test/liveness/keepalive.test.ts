import assert from 'node:assert/strict'
import { test } from 'node:test'
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
  peer.keepalive.start(0)
  peer.run(100_000)
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
    probesSent: 4,
    probesUnanswered: 3,
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
    { at: 3000, kind: 'key-exchange' },
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
