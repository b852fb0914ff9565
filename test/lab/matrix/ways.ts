/** The ways to notice that a peer is gone, as Holdfast's options. */
import { readFileSync } from 'node:fs'
import type { KeepaliveOption } from 'holdfast'
import type { MatrixWay } from './record.js'

export interface Way extends MatrixWay {
  readonly keepalive: KeepaliveOption
}

/** Interval and count are those that every Node can set: see src/socket/tcp-keepalive.ts. */
const ownValues = { idle: '2s', interval: '1s', count: 10 }
const probes = { interval: '1s', countMax: 3 }
const boundMs = 4000

export const ways: readonly Way[] = [
  { name: 'nothing', keepalive: false },
  { name: `SO_KEEPALIVE, the kernel’s values (${kernelValues()})`, keepalive: { interval: false, tcp: true } },
  { name: 'SO_KEEPALIVE, own short values (2 s, 10 × 1 s)', keepalive: { interval: false, tcp: ownValues } },
  { name: 'SSH probes (1 s × 3)', keepalive: { ...probes, tcp: false }, boundMs },
  { name: 'SSH probes, and SO_KEEPALIVE with the kernel’s values', keepalive: { ...probes, tcp: true }, boundMs },
  { name: 'SSH probes, and SO_KEEPALIVE with own short values', keepalive: { ...probes, tcp: ownValues }, boundMs },
]

function kernelValues(): string {
  const [idle, count, interval] = ['time', 'probes', 'intvl'].map(setting)
  return `${idle} s, ${count} × ${interval} s`
}

function setting(name: string): string {
  return readFileSync(`/proc/sys/net/ipv4/tcp_keepalive_${name}`, 'latin1').trim()
}
