import { randomBytes } from 'node:crypto'
import type { Channel as CoreChannel } from '../connection/channel.js'
import { Reader } from '../wire/reader.js'
import { encodeEnv } from '../wire/session-messages.js'
import { Writer } from '../wire/writer.js'
import { terminalModes } from './terminal-modes.js'

/** The requests of a session (RFC 4254 section 6) with all the fields that ssh2 lets a program set. */

export interface PseudoTtyOptions {
  readonly rows?: number
  readonly cols?: number
  /** Pixels. */
  readonly height?: number
  readonly width?: number
  /** @default 'vt100' */
  readonly term?: string
  readonly modes?: Readonly<Record<string, number>> | null
}

export interface X11Options {
  readonly single?: boolean
  readonly screen?: number
  readonly protocol?: string
  /** @default a random one */
  readonly cookie?: string | Buffer
}

/** What `exit` and `close` are told: the code, or null, signal, whether a core was dumped, and what the server says. */
export type ChannelExit = readonly [code: number] | readonly [code: null, signal: string, dump: boolean, desc: string]

const none = Buffer.alloc(0)

export function encodePty(given: unknown): Buffer {
  const options = fieldsOf(given)
  const term = options('term')
  return new Writer()
    .string(typeof term === 'string' ? term : 'vt100')
    .uint32(numberOr(options('cols'), 80))
    .uint32(numberOr(options('rows'), 24))
    .uint32(numberOr(options('width'), 640))
    .uint32(numberOr(options('height'), 480))
    .string(terminalModes(options('modes')))
    .finish()
}

export interface WindowSize {
  readonly rows: number
  readonly cols: number
  readonly height: number
  readonly width: number
}

export function encodeWindowChange({ rows, cols, height, width }: WindowSize): Buffer {
  const [columns, lines] = [numberOr(cols, 80), numberOr(rows, 24)]
  return new Writer().uint32(columns).uint32(lines).uint32(numberOr(width, 0)).uint32(numberOr(height, 0)).finish()
}

export function encodeX11(given: unknown): Buffer {
  const options = fieldsOf(given)
  const [single, protocol, screen, cookie] = [
    options('single'),
    options('protocol'),
    options('screen'),
    options('cookie'),
  ]
  return new Writer()
    .boolean(single === true)
    .string(typeof protocol === 'string' ? protocol : 'MIT-MAGIC-COOKIE-1')
    .string(cookieText(cookie))
    .uint32(numberOr(screen, 0))
    .finish()
}

function cookieText(cookie: unknown): string {
  if (typeof cookie === 'string') return cookie
  return (Buffer.isBuffer(cookie) ? cookie : randomBytes(16)).toString('hex')
}

/** Asks for variables of which most servers take none; nobody waits for the answers. */
export function requestEnv(channel: CoreChannel, env: unknown): void {
  if (typeof env !== 'object' || env === null) return
  for (const [name, value] of Object.entries(env)) channel.notify('env', encodeEnv(name, envText(value)))
}

/** @throws TypeError as ssh2 does, for what is neither text nor bytes */
export function envText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return value.toString()
  const measure: unknown = Reflect.get(Buffer, 'byteLength')
  if (typeof measure === 'function') Reflect.apply(measure, Buffer, [value])
  throw new TypeError('argument must be a string')
}

/** RFC 4254 section 6.10. */
const signals = ['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2']

/**
 * @param name with or without its SIG
 * @throws Error `Invalid signal: …`
 */
export function encodeSignal(name: string): Buffer {
  const bare = name.toUpperCase().replace(/^SIG/, '')
  if (!signals.includes(bare)) throw new Error(`Invalid signal: ${name}`)
  return new Writer().string(bare).finish()
}

/** @returns undefined for a request that tells of no exit */
export function decodeExit(type: string, data: Buffer): ChannelExit | undefined {
  if (type === 'exit-status') return [new Reader('exit-status request', data).uint32('exit_status')]
  if (type !== 'exit-signal') return undefined
  const reader = new Reader('exit-signal request', data)
  const name = reader.name('signal name')
  const dump = reader.boolean('core dumped')
  return [null, `SIG${name}`, dump, reader.text('error message')]
}

function fieldsOf(given: unknown): (name: string) => unknown {
  return (name): unknown => (typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined)
}

/** A number that the protocol can carry, as it is. */
export function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 ? value : otherwise
}

export const noData = none
