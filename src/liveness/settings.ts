import { HoldfastError } from '../errors.js'
import { type Duration, parseDuration } from './duration.js'

/** How the kernel is to probe, in milliseconds; what is left out keeps the kernel's own value. */
export interface TcpKeepaliveSettings {
  readonly idle?: number
  readonly interval?: number
  readonly count?: number
}

/** Keepalive as it holds, every duration in milliseconds. */
export interface KeepaliveSettings {
  /** How long the peer may be silent before it is asked; false: it is never asked by itself. */
  readonly interval: number | false
  /** How many probes in a row may stay unanswered, at least 1. */
  readonly countMax: number
  /** False: what is sent asks for no answer. It keeps a NAT open and proves nothing. */
  readonly wantReply: boolean
  /** SO_KEEPALIVE: with the kernel's values, off, or with own values. */
  readonly tcp: boolean | TcpKeepaliveSettings
}

/** Keepalive as a program gives it; `false` = neither probes nor SO_KEEPALIVE. */
export type KeepaliveOption = false | KeepaliveOptions

/** A peer that is silent for `(countMax + 1) x interval` is dead, and all that waits for it fails with ERR_SSH_PEER_DEAD. */
export interface KeepaliveOptions {
  /**
   * Silence after which the peer is asked, at the latest: many connections are spread over it. `false`: never, so that
   * SO_KEEPALIVE alone is left. @default '15s'
   */
  readonly interval?: Duration | false | undefined
  /** How many questions in a row may stay unanswered, at least 1. @default 3 */
  readonly countMax?: number | undefined
  /** `false` asks for no answer: it keeps a NAT open, and proves nothing. @default true */
  readonly wantReply?: boolean | undefined
  /** SO_KEEPALIVE: with the kernel's values, off, or with these. @default true */
  readonly tcp?: boolean | TcpKeepaliveOptions | undefined
}

/**
 * How the kernel is to probe; each at least a second, in whole seconds. Node before 24.19 cannot set all three: there the
 * kernel's own hold, with one warning a process.
 */
export interface TcpKeepaliveOptions {
  /** Silence before the first probe. @default the kernel's value */
  readonly idle?: Duration | undefined
  /** Between two probes. @default the kernel's value */
  readonly interval?: Duration | undefined
  /** Unanswered probes after which the kernel ends the connection. @default the kernel's value */
  readonly count?: number | undefined
}

/** A NAT forgets an idle flow after 30 s at the earliest (RFC 5382 asks for far more); a dead peer is found in a minute. */
export const defaultKeepalive: KeepaliveSettings = { interval: 15_000, countMax: 3, wantReply: true, tcp: true }

/**
 * Checks what a program gave and lays it over `base`.
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function resolveKeepalive(option: KeepaliveOption, base = defaultKeepalive): KeepaliveSettings {
  if (option === false) return { ...base, interval: false, tcp: false }
  const { interval, countMax, wantReply, tcp } = option
  return {
    interval: interval === undefined ? base.interval : resolveInterval(interval),
    countMax: countMax === undefined ? base.countMax : count(countMax, 'keepalive.countMax'),
    wantReply: wantReply === undefined ? base.wantReply : flag(wantReply, 'keepalive.wantReply'),
    tcp: tcp === undefined ? base.tcp : resolveTcp(tcp),
  }
}

/**
 * The longest silence before the verdict, from the last packet on; null where silence is never judged.
 * The last probe has a whole interval to be answered in, as every other has.
 */
export function silenceBound({ interval, countMax, wantReply }: KeepaliveSettings): number | null {
  return interval === false || !wantReply ? null : (countMax + 1) * interval
}

/** Below the limit `rekey` of what is asked then, which must not end the connection sooner than the verdict. */
export const lastQuestionMaxMs = 20_000

/**
 * How long before a verdict the peer is asked last, by a key exchange: it costs much and holds up all else, so the answer to
 * the question before is waited for, for two round trips within reason.
 */
export function lastQuestionMs(interval: number, rttMs: number): number {
  const answerMs = Math.min(Math.max(interval / 4, 2 * rttMs), interval / 2)
  return Math.min(interval - answerMs, lastQuestionMaxMs)
}

function resolveInterval(interval: Duration | false): number | false {
  return interval === false ? false : parseDuration(interval, 'keepalive.interval')
}

function resolveTcp(tcp: boolean | TcpKeepaliveOptions): boolean | TcpKeepaliveSettings {
  if (typeof tcp !== 'object' || tcp === null) return flag(tcp, 'keepalive.tcp')
  return {
    ...(tcp.idle !== undefined && { idle: seconds(tcp.idle, 'keepalive.tcp.idle') }),
    ...(tcp.interval !== undefined && { interval: seconds(tcp.interval, 'keepalive.tcp.interval') }),
    ...(tcp.count !== undefined && { count: count(tcp.count, 'keepalive.tcp.count') }),
  }
}

/** Kernels count these in whole seconds, and Node ignores what is shorter than one. */
function seconds(value: Duration, field: string): number {
  const parsed = parseDuration(value, field)
  if (parsed < 1000) throw wrong(field, 'must be at least 1s: the kernel counts in whole seconds')
  return parsed
}

function count(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  throw wrong(field, 'must be a whole number, at least 1')
}

function flag(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(field, 'must be true or false')
}

function wrong(field: string, text: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', `${field} ${text}`, { phase: 'options' })
}
