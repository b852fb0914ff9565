import { readFileSync } from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import type { KeepaliveSettings } from '../liveness/settings.js'

/** The kernel's keepalive. Its unit is the second: fractions are rounded up. */
export interface TcpKeepaliveValues {
  /** Milliseconds of silence before the first probe. */
  readonly idleMs: number
  /** Milliseconds between two probes. */
  readonly intervalMs: number
  /** Probes without an answer until the kernel ends the connection. */
  readonly count: number
}

/** SO_KEEPALIVE: off, on with the kernel's own values, or on with these. */
export type TcpKeepalive = boolean | TcpKeepaliveValues

/**
 * Node sets interval and count from 24.19 on, and in 26. Before that it ignores the arguments silently and, given a
 * delay of a second or more, has the kernel probe every second and give up after ten.
 */
const setsValues = net.Socket.prototype.setKeepAlive.length >= 4
const older = { intervalMs: 1000, count: 10 }

/** The values of the keepalive's settings, which may leave some out: Node would fill up with values of its own. */
export function tcpValues(tcp: KeepaliveSettings['tcp']): TcpKeepalive {
  if (typeof tcp === 'boolean') return tcp
  const { idle, interval, count } = tcp
  const kernel = kernelValues()
  return { idleMs: idle ?? kernel.idleMs, intervalMs: interval ?? kernel.intervalMs, count: count ?? kernel.count }
}

/** As an administrator tuned them on Linux; elsewhere as the systems come. */
function kernelValues(): TcpKeepaliveValues {
  if (process.platform === 'win32') return { idleMs: 7_200_000, intervalMs: 1000, count: 10 }
  return {
    idleMs: 1000 * (linuxSetting('time') ?? 7200),
    intervalMs: 1000 * (linuxSetting('intvl') ?? 75),
    count: linuxSetting('probes') ?? 8,
  }
}

/** These files are on no disk: they are read at once. */
function linuxSetting(name: 'time' | 'intvl' | 'probes'): number | undefined {
  try {
    return Number.parseInt(readFileSync(`/proc/sys/net/ipv4/tcp_keepalive_${name}`, 'latin1'), 10) || undefined
  } catch {
    return undefined
  }
}

const inForce = new WeakMap<net.Socket, TcpKeepalive>()
let warned = false

/** What holds for this socket: it differs from what was wanted where this Node cannot set it. */
export function tcpKeepaliveOf(socket: net.Socket): TcpKeepalive {
  return inForce.get(socket) ?? false
}

/**
 * Sets SO_KEEPALIVE on a connected socket. Values that this Node cannot set leave the kernel's own, with one warning a
 * process: to set the delay alone would have the kernel end a living connection after ten seconds of outage.
 * @returns what holds now
 */
export function setTcpKeepalive(socket: net.Socket, wanted: TcpKeepalive): TcpKeepalive {
  const values = typeof wanted === 'boolean' ? wanted : settable(wanted)
  if (values === false) socket.setKeepAlive(false)
  else if (values === true) socket.setKeepAlive(true)
  else setValues(socket, values)
  // On without values leaves those that the socket had before.
  const earlier = inForce.get(socket)
  const held = values === true && typeof earlier === 'object' ? earlier : values
  inForce.set(socket, held)
  return held
}

function settable({ idleMs, intervalMs, count }: TcpKeepaliveValues): TcpKeepalive {
  const values = { idleMs: wholeSeconds(idleMs), intervalMs: wholeSeconds(intervalMs), count }
  if (setsValues || (values.intervalMs === older.intervalMs && values.count === older.count)) return values
  warnOnce()
  return true
}

function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000) * 1000
}

function setValues(socket: net.Socket, { idleMs, intervalMs, count }: TcpKeepaliveValues): void {
  // The types of Node 20 know the first two arguments only.
  const later: { setKeepAlive(enable: boolean, idle: number, interval: number, count: number): unknown } = socket
  later.setKeepAlive(true, idleMs, intervalMs, count)
}

function warnOnce(): void {
  if (warned) return
  warned = true
  const text = `Node ${process.version} cannot set interval and count of SO_KEEPALIVE, so the kernel's own values hold. Node 24.19 and later can.`
  process.emitWarning(text, { type: 'HoldfastWarning', code: 'HOLDFAST_TCP_KEEPALIVE' })
}
