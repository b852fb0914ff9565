import { after, ScriptedPeer } from '../../test/liveness/scripted-peer.js'

const intervalMs = 1000

/** Microseconds from one probe to the next, for a peer that answers. */
export function tickTime(count: number): number {
  const peer = new ScriptedPeer({ interval: intervalMs, countMax: 3 }, after(10))
  peer.keepalive.start(0)
  // The first half is there to be compiled.
  peer.run(count * intervalMs)
  const before = peer.sent.length
  const startedAt = performance.now()
  peer.run(2 * count * intervalMs)
  const microseconds = (performance.now() - startedAt) * 1000
  const probes = peer.sent.length - before
  if (peer.verdicts.length > 0) throw new Error('a peer that answers was given up')
  if (probes < 0.9 * count) throw new Error(`${probes} probes in ${count} intervals`)
  return microseconds / probes
}
