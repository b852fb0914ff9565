import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProbeAnswer } from '#src/liveness/keepalive.js'
import { type Answers, after, never, ScriptedPeer } from './scripted-peer.js'

const second = { interval: 1000, countMax: 3 }

/** A peer that is asked at 300 ms, over and above what the engine asks, and what it answers to that. */
function askedAt300(answers: Answers): { peer: ScriptedPeer; got: ProbeAnswer[]; takeBack: () => void } {
  const peer = new ScriptedPeer(second, answers)
  peer.keepalive.start(0)
  peer.run(300)
  const got: ProbeAnswer[] = []
  const takeBack = peer.keepalive.probeNow(300, (answer) => got.push(answer))
  return { peer, got, takeBack }
}

test('the answer says the round trip, the kind, and when the engine would send by itself', () => {
  const { peer, got } = askedAt300(after(30))
  peer.run(900)
  assert.deepEqual(got, [{ probe: 'ping', rttMs: 30, nextMs: 670 }])
})

test('without an answer nothing is called and nobody is judged', () => {
  const { peer, got } = askedAt300((_kind, sentAt) => (sentAt === 300 ? undefined : 30))
  peer.run(900)
  assert.deepEqual(got, [])
  peer.run(5000)
  assert.deepEqual([peer.verdicts, peer.changes], [[], []])
})

test('in a key exchange it waits for its end', () => {
  const peer = new ScriptedPeer(second, after(30))
  peer.keepalive.start(0)
  peer.exchangesKeys(200, 200)
  peer.run(300)
  const got: number[] = []
  peer.keepalive.probeNow(300, ({ rttMs }) => got.push(rttMs))
  assert.equal(peer.sent.length, 1)
  peer.run(900)
  assert.deepEqual(got, [30])
  assert.equal(peer.sent[1]?.at, 400)
})

test('an answer to what was sent before is not the answer', () => {
  const { peer, got } = askedAt300((_kind, sentAt) => (sentAt === 0 ? 350 : undefined))
  peer.run(900)
  assert.deepEqual(got, [])
})

test('what was taken back, or belongs to a connection that is over, is not called', () => {
  const first = askedAt300(after(30))
  first.takeBack()
  first.peer.run(900)
  assert.deepEqual(first.got, [])
  const other = askedAt300(after(30))
  other.peer.keepalive.stop()
  other.peer.run(900)
  assert.deepEqual(other.got, [])
})

test('a deaf peer may be asked as often as one likes: what waits for its answers is bounded', () => {
  const { peer } = askedAt300(never)
  for (let n = 0; n < 1000; n++) peer.keepalive.probeNow(peer.now, () => {})
  assert.ok(peer.keepalive.evidence(peer.now).probesUnanswered <= 64)
})

test('to ask on and on does not put off the verdict on a peer that hears nothing', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 10 : undefined))
  peer.keepalive.start(0)
  for (let at = 100; at < 20_000; at += 10) {
    peer.arrives(at, () => {}, 1)
    peer.does(at, () => peer.keepalive.probeNow(peer.now, () => {}))
  }
  peer.run(20_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  assert.ok(peer.now < 7000, `${peer.now}`)
})
