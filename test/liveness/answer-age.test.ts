import assert from 'node:assert/strict'
import { test } from 'node:test'
import { after, ScriptedPeer } from './scripted-peer.js'

const second = { interval: 1000, countMax: 3 }

/** A peer from which small packets keep coming, so that it is never silent. */
function talkative(answers: ConstructorParameters<typeof ScriptedPeer>[1]): ScriptedPeer {
  const peer = new ScriptedPeer(second, answers)
  for (let at = 100; at < 30_000; at += 200) peer.arrives(at, () => {}, 40)
  peer.keepalive.start(0)
  return peer
}

test('answers that take almost the bound kill nothing', () => {
  const peer = talkative((_kind, sentAt) => (sentAt < 1 ? 10 : 3990))
  peer.run(30_000)
  assert.deepEqual(peer.verdicts, [])
})

test('an answer that does not come within the bound is a verdict, however much is heard', () => {
  const peer = talkative((_kind, sentAt) => (sentAt < 1 ? 10 : undefined))
  peer.run(30_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  // Asked an interval after the first question, and given the bound.
  assert.equal(peer.verdicts[0]?.at, 1000 + 4000)
})

test('one answer that never comes is no verdict where the peer answers the next question', () => {
  const asked = new Set<number>()
  const peer = talkative((_kind, sentAt) => {
    if (sentAt > 1 && asked.size === 0) return void asked.add(sentAt)
    return 10
  })
  peer.run(30_000)
  assert.equal(asked.size, 1)
  assert.deepEqual(peer.verdicts, [])
})

test('time in which the machine slept does not count', () => {
  const peer = talkative(after(900))
  peer.sleep(2500, 10_000, 500, false)
  peer.run(30_000)
  assert.deepEqual(peer.verdicts, [])
})

test('time in which keys were exchanged does not count', () => {
  const peer = talkative((_kind, sentAt) => (sentAt > 1000 && sentAt < 2000 ? 6500 : 10))
  peer.offered.delete('ping')
  peer.exchangesKeys(1500, 5000)
  peer.run(30_000)
  assert.deepEqual(peer.verdicts, [])
})
