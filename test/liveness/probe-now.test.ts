import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from '#src/errors.js'
import { probeNow } from '#src/liveness/probe-now.js'
import { Waits } from '#src/liveness/waits.js'
import { after, never, ScriptedPeer } from './scripted-peer.js'

const second = { interval: 1000, countMax: 3 }
const options = { limit: 'timeout', limitMs: 500 } as const

function start(answers: ConstructorParameters<typeof ScriptedPeer>[1]): { peer: ScriptedPeer; waits: Waits } {
  const peer = new ScriptedPeer(second, answers)
  const environment = { now: () => peer.now, lastTrafficAt: () => 0, errorDetails: () => ({}) }
  const waits = new Waits(environment, peer.deadlines)
  peer.keepalive.start(0)
  return { peer, waits }
}

test('it resolves with the round trip, the kind, and when the engine would send by itself', async () => {
  const { peer, waits } = start(after(30))
  peer.run(300)
  const answer = probeNow(peer.keepalive, waits, peer.now, options)
  peer.run(900)
  assert.deepEqual(await answer, { probe: 'ping', rttMs: 30, nextMs: 1000 })
  assert.equal(waits.size, 0)
})

test('it rejects at its limit without judging the connection, and leaves nothing behind', async () => {
  const { peer, waits } = start((_kind, sentAt) => (sentAt === 300 ? undefined : 30))
  peer.run(300)
  const answer = probeNow(peer.keepalive, waits, peer.now, options)
  peer.run(900)
  await assert.rejects(answer, { code: 'ERR_SSH_PROBE_TIMEOUT', limit: 'timeout', limitMs: 500, elapsedMs: 500 })
  peer.run(5000)
  assert.deepEqual([peer.verdicts, peer.changes], [[], []])
})

test('in a key exchange it waits for its end', async () => {
  const { peer, waits } = start(after(30))
  peer.exchangesKeys(200, 200)
  peer.run(300)
  const answer = probeNow(peer.keepalive, waits, peer.now, options)
  assert.equal(peer.sent.length, 1)
  peer.run(900)
  assert.equal((await answer).rttMs, 30)
  assert.equal(peer.sent[1]?.at, 400)
})

test('an answer to what was sent before it was called is not its answer', async () => {
  const { peer, waits } = start((_kind, sentAt) => (sentAt === 0 ? 350 : undefined))
  peer.run(300)
  const answer = probeNow(peer.keepalive, waits, peer.now, options)
  peer.run(900)
  await assert.rejects(answer, { code: 'ERR_SSH_PROBE_TIMEOUT' })
})

test('an abort and the end of the connection settle it', async () => {
  const { peer, waits } = start(never)
  const controller = new AbortController()
  const aborted = probeNow(peer.keepalive, waits, peer.now, { ...options, signal: controller.signal })
  controller.abort()
  await assert.rejects(aborted, { name: 'AbortError' })
  const lost = probeNow(peer.keepalive, waits, peer.now, options)
  peer.keepalive.stop()
  waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'closed'))
  await assert.rejects(lost, { code: 'ERR_SSH_CLOSED' })
})

test('once the connection is over it sends nothing', async () => {
  const { peer, waits } = start(after(10))
  waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'closed'))
  const sent = peer.sent.length
  await assert.rejects(probeNow(peer.keepalive, waits, peer.now, options), { code: 'ERR_SSH_CLOSED' })
  assert.equal(peer.sent.length, sent)
})
