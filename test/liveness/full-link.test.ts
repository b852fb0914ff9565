import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneWayBound } from '#src/liveness/answer-age.js'
import { ScriptedPeer } from './scripted-peer.js'

const second = { interval: 1000, countMax: 3 }
const window = 2 * 2 ** 20
const packet = 32_768
/** 400 kbit/s. */
const rate = 48

/** Packets of 32 KiB come at that many bytes a millisecond, until then; each arrival is counted. */
function download(peer: ScriptedPeer, until: number, bytesPerMs = rate): { received: number } {
  const flow = { received: 0 }
  const step = packet / bytesPerMs
  for (let at = step; at < until; at += step) peer.arrives(at, () => (flow.received += packet), packet)
  return flow
}

/** The rest of the window that was granted when the probe went out may come before its answer. */
function behindWindow(peer: ScriptedPeer, flow: { readonly received: number }): void {
  const target = new Map<number, number>()
  peer.behind = (sentAt) => {
    if (!target.has(sentAt)) target.set(sentAt, flow.received + window)
    return Math.max(0, (target.get(sentAt) ?? 0) - flow.received)
  }
}

test('a download at 400 kbit/s delays answers by 43 s, and is never cut at 1 s x 3', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 20 : window / rate))
  behindWindow(peer, download(peer, 600_000))
  peer.keepalive.start(0)
  peer.run(600_000)
  assert.deepEqual([peer.verdicts, peer.changes], [[], []])
})

test('an upload at 400 kbit/s delays answers by 88 s, while its WINDOW_ADJUSTs come every 2 s', () => {
  const arrival = 88_000
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 20 : arrival))
  peer.ahead = (sentAt) => Math.max(0, window * (1 - (peer.now - sentAt) / arrival))
  for (let at = 2000; at < 600_000; at += 2000) peer.arrives(at)
  peer.keepalive.start(0)
  peer.run(600_000)
  assert.deepEqual(peer.verdicts, [])
})

test('a full download from a peer that hears nothing: the verdict comes after the granted window has come', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 20 : undefined))
  behindWindow(peer, download(peer, 600_000))
  peer.keepalive.start(0)
  peer.run(600_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  // The last question has a window of its own.
  assert.ok(peer.now > (2 * window) / rate && peer.now < (2 * window) / rate + oneWayBound(second), `${peer.now}`)
})

test('however much was granted, the clock runs in the end', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 20 : undefined))
  for (let at = 0; at < 4_000_000; at += 200) peer.arrives(at, () => {}, 400)
  peer.behind = () => window
  peer.ahead = () => window
  peer.keepalive.start(0)
  peer.run(4_000_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  assert.ok(peer.now <= oneWayBound(second, 200, 2 * window) + 20, `${peer.now}`)
})

test('a little input that no WINDOW_ADJUST ever covers costs the time that a slow link takes for it, and no more', () => {
  const peer = new ScriptedPeer(second, (_kind, sentAt) => (sentAt < 1 ? 20 : undefined))
  for (let at = 0; at < 600_000; at += 500) peer.arrives(at, () => {}, 40)
  peer.behind = () => window
  peer.ahead = () => 40_000
  peer.keepalive.start(0)
  peer.run(600_000)
  assert.equal(peer.verdicts[0]?.reason, 'one-way')
  assert.ok(peer.now <= oneWayBound(second, 500, 40_000) + 20, `${peer.now}`)
})
