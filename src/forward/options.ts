import { type Duration, parseDuration } from '../liveness/duration.js'
import { checkNames, optionError } from '../session/option-error.js'

/** Where something can be reached: a host and a port, or the path of a Unix socket. */
export type TunnelTarget =
  | { readonly host: string; readonly port: number; readonly path?: undefined }
  | { readonly path: string; readonly host?: undefined; readonly port?: undefined }

/** What tunnels and forwards take besides where to. */
export interface TunnelOptions {
  /** Ends it, whenever it aborts, with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
  /** How long no byte may move in either direction; then the connection ends with ERR_SSH_TIMEOUT. @default none */
  readonly idleTimeout?: Duration | false | undefined
}

/** What `connectTo()` takes besides where to. */
export interface ConnectToOptions extends TunnelOptions {
  /** With `false` the tunnel ends when the far side has ended its direction, as sockets do and clients of theirs expect. @default true */
  readonly allowHalfOpen?: boolean | undefined
}

/** The same after the check. */
export interface TunnelSettings {
  readonly signal: AbortSignal | undefined
  /** Milliseconds. */
  readonly idleMs: number | false
}

/** Longer than any name in DNS, any path of a socket, and short enough for every packet. */
const maxText = 1024

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolveOptions({ signal, idleTimeout = false }: TunnelOptions): TunnelSettings {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw optionError('signal', 'must be an AbortSignal')
  return { signal, idleMs: idleTimeout === false ? false : parseDuration(idleTimeout, 'idleTimeout') }
}

export const tunnelOptionNames = ['signal', 'idleTimeout']

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function resolveHalfOpen({ allowHalfOpen = true }: ConnectToOptions): boolean {
  if (typeof allowHalfOpen !== 'boolean') throw optionError('allowHalfOpen', 'must be true or false')
  return allowHalfOpen
}

/** @throws HoldfastError ERR_SSH_OPTION naming the field */
export function checkTarget(target: unknown, field: string): TunnelTarget {
  const { host, port, path } = fieldsOf(target, field)
  if ((path === undefined) === (host === undefined)) throw optionError(field, 'needs host and port, or path')
  if (path !== undefined) return { path: checkPath(path, `${field}.path`) }
  return { host: checkHost(host, `${field}.host`), port: checkPort(port, `${field}.port`, 1) }
}

export function checkHost(host: unknown, field: string): string {
  if (typeof host === 'string' && host !== '' && host.length <= maxText && !/[\s\p{Cc}]/u.test(host)) return host
  throw optionError(field, 'must be a host name or an address')
}

export function checkPort(port: unknown, field: string, least: 0 | 1): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= least && port <= 65_535) return port
  throw optionError(field, `must be a whole number from ${least} to 65535`)
}

export function checkPath(path: unknown, field: string): string {
  // sshd ends the whole connection at a NUL in a string.
  if (typeof path === 'string' && path !== '' && path.length <= maxText && !path.includes('\0')) return path
  throw optionError(field, `must be a string of up to ${maxText} characters, not empty and without NUL`)
}

/** The fields of a place. */
export function fieldsOf(value: unknown, field: string): { host?: unknown; port?: unknown; path?: unknown } {
  if (typeof value !== 'object' || value === null) throw optionError(field, 'must be an object')
  checkNames(value, ['host', 'port', 'path'])
  return value
}

/** As a person reads it. */
export function targetText({ host, port, path }: TunnelTarget): string {
  if (path !== undefined) return path
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
