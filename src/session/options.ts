import { isUint8Array } from 'node:util/types'
import type { LimitName } from '../errors.js'
import { type Duration, parseDuration } from '../liveness/duration.js'
import { printable } from '../wire/printable.js'
import { encodeEnv, type PtyRequest } from '../wire/session-messages.js'
import { checkNames, optionError } from './option-error.js'
import type { AgentLender } from './preparation.js'
import { type PtyOptions, resolvePty } from './pty.js'
import { checkRequestSize } from './request-size.js'

/** The limits of a command. None by default: how long a program may run is its owner's to say. */
export const commandLimits = [
  'timeout',
  'idleTimeout',
  'firstByteTimeout',
  'stdinStall',
] as const satisfies readonly LimitName[]

/** Each counts from the call, the opening of its channel included; `false` = none. */
export type CommandLimit = (typeof commandLimits)[number]

/** Milliseconds, or false for none. */
export type CommandLimits = Readonly<Record<CommandLimit, number | false>>

/** What commands get that say nothing else, and what they cannot go beyond. */
export interface CommandDefaults {
  readonly limits: CommandLimits
  /** Milliseconds. A command that names a longer limit, or none, gets this one. @default none */
  readonly bounds?: Partial<Readonly<Record<CommandLimit, number>>> | undefined
  /** Variables that every command asks for, besides its own. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Whose agent commands may ask for. */
  readonly agent?: AgentLender | undefined
}

/** What `spawn()`, `shell()` and `subsystem()` take. */
export interface SpawnOptions {
  /** How long it may run in all. Reaching it ends the command on the remote side too. @default none */
  readonly timeout?: Duration | false | undefined
  /**
   * How long nothing may come of this command: no output, no end of it, no status, no sign that it reads its input.
   * Stands still while our side does not read what came. @default none
   */
  readonly idleTimeout?: Duration | false | undefined
  /** How long its first byte of output may take. @default none */
  readonly firstByteTimeout?: Duration | false | undefined
  /** How long it may leave its input unread while there is some to send. @default none */
  readonly stdinStall?: Duration | false | undefined
  /** Ends the command like a limit. The error is an `AbortError` whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Environment variables to ask for. Servers refuse most: see `refusedEnv` of the result. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Whether it gets a pseudo-terminal. @default false; true for `shell()` */
  readonly pty?: boolean | PtyOptions | undefined
  /**
   * Whether a second session may be opened to end this command where the server passes no signal on to it.
   * - `auto`: where it runs what we ask for, and not where a forced command may run instead, once more
   * - `always`: the forced command, if there is one, runs what it is asked for (SSH_ORIGINAL_COMMAND)
   * @default 'auto'
   */
  readonly secondSession?: SecondSession | undefined
  /**
   * Lends it the agent that `forwardAgent` of `connect()` names, or else the one that this client uses: whoever can act as
   * its user on the server, or as root, can use its keys until the connection ends. @default as `connect()` says; false
   */
  readonly forwardAgent?: boolean | undefined
}

export type SecondSession = 'auto' | 'always' | 'never'

/** What `shell()` takes: as `spawn()`, but with a pseudo-terminal unless `pty` is false. */
export type ShellOptions = SpawnOptions

/** What `exec()` takes. */
export interface ExecOptions extends SpawnOptions {
  /** Rejects with ERR_SSH_EXIT unless the exit code is 0. @default false */
  readonly check?: boolean | undefined
  /** What the command reads as its input. @default nothing: its input ends at once */
  readonly stdin?: CommandInput | undefined
  /** Bytes of stdout and stderr together; a command that writes more is ended like at a limit. @default 100 MiB */
  readonly maxBuffer?: number | undefined
  /** How stdout and stderr are given: as text in UTF-8, or as they came. @default 'utf8' */
  readonly encoding?: 'utf8' | 'buffer' | undefined
}

export type CommandInput = string | Uint8Array | AsyncIterable<string | Uint8Array>

/** Options after the check. */
export interface CommandSettings {
  readonly limits: CommandLimits
  readonly signal: AbortSignal | undefined
  readonly env: readonly (readonly [name: string, value: string])[]
  readonly pty: PtyRequest | undefined
  readonly secondSession: SecondSession
  readonly forwardAgent: boolean
}

export interface ExecSettings extends CommandSettings {
  readonly check: boolean
  readonly stdin: CommandInput | undefined
  readonly maxBuffer: number
  readonly encoding: 'utf8' | 'buffer'
}

const none = [] as const
const defaultMaxBuffer = 100 * 1024 * 1024
const spawnNames = [...commandLimits, 'signal', 'env', 'pty', 'secondSession', 'forwardAgent']
const execNames = [...spawnNames, 'check', 'stdin', 'maxBuffer', 'encoding']

/**
 * Checks what a program gave and lays it over `defaults`.
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function resolveSpawn(options: SpawnOptions, defaults: CommandDefaults, pty = false): CommandSettings {
  checkNames(options, spawnNames)
  return resolveCommon(options, defaults, pty)
}

/** The same for `exec()`. */
export function resolveExec(options: ExecOptions, defaults: CommandDefaults): ExecSettings {
  checkNames(options, execNames)
  const { check = false, stdin, maxBuffer = defaultMaxBuffer, encoding = 'utf8' } = options
  if (typeof check !== 'boolean') throw optionError('check', 'must be true or false')
  if (stdin !== undefined && !isInput(stdin))
    throw optionError('stdin', 'must be a string, a Buffer, a Readable or an async iterable')
  if (!Number.isSafeInteger(maxBuffer) || maxBuffer < 1)
    throw optionError('maxBuffer', 'must be a whole number of bytes from 1 to 9007199254740991')
  if (encoding !== 'utf8' && encoding !== 'buffer') throw optionError('encoding', "must be 'utf8' or 'buffer'")
  const { limits, signal, env, pty, secondSession, forwardAgent } = resolveCommon(options, defaults, false)
  // Named one by one, as the result is: to spread two objects into one took Node 20 as long as it takes to seal a packet, 12 µs.
  return { limits, signal, env, pty, secondSession, forwardAgent, check, stdin, maxBuffer, encoding }
}

function resolveCommon(options: SpawnOptions, defaults: CommandDefaults, pty: boolean): CommandSettings {
  const { signal, secondSession = 'auto', forwardAgent = defaults.agent?.isDefault ?? false } = options
  if (!['auto', 'always', 'never'].includes(secondSession))
    throw optionError('secondSession', "must be 'auto', 'always' or 'never'")
  if (typeof forwardAgent !== 'boolean') throw optionError('forwardAgent', 'must be true or false')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw optionError('signal', 'must be an AbortSignal')
  return {
    limits: namesLimit(options) ? resolveLimits(options, defaults) : defaults.limits,
    signal,
    env: resolveEnv(options.env, defaults.env),
    pty: resolvePty(options.pty ?? pty),
    secondSession,
    forwardAgent,
  }
}

/** Most commands name none. */
function namesLimit({ timeout, idleTimeout, firstByteTimeout, stdinStall }: SpawnOptions): boolean {
  const isNamed = timeout !== undefined || idleTimeout !== undefined
  return isNamed || firstByteTimeout !== undefined || stdinStall !== undefined
}

/** @returns the same, with the limits within their bounds. @throws HoldfastError ERR_SSH_OPTION */
export function boundDefaults(defaults: CommandDefaults): CommandDefaults {
  return { ...defaults, limits: resolveLimits({}, defaults) }
}

function resolveLimits(options: SpawnOptions, defaults: CommandDefaults): CommandLimits {
  return {
    timeout: resolveLimit('timeout', options, defaults),
    idleTimeout: resolveLimit('idleTimeout', options, defaults),
    firstByteTimeout: resolveLimit('firstByteTimeout', options, defaults),
    stdinStall: resolveLimit('stdinStall', options, defaults),
  }
}

function resolveLimit(name: CommandLimit, options: SpawnOptions, defaults: CommandDefaults): number | false {
  const value = options[name]
  const bound = defaults.bounds?.[name] ?? Number.POSITIVE_INFINITY
  const wanted = value === undefined ? defaults.limits[name] : value
  const limitMs = wanted === false ? Number.POSITIVE_INFINITY : parseDuration(wanted, name)
  const held = Math.min(limitMs, bound)
  return held === Number.POSITIVE_INFINITY ? false : held
}

function resolveEnv(own: SpawnOptions['env'], common: CommandDefaults['env']): CommandSettings['env'] {
  const env: Readonly<Record<string, unknown>> | undefined =
    common === undefined || own === undefined ? (own ?? common) : { ...common, ...own }
  if (env === undefined) return none
  return Object.entries(env).map(([name, value]) => {
    // sshd ends the whole connection at a NUL in a request.
    if (typeof value !== 'string' || value.includes('\0'))
      throw optionError(`env.${printable(name, 60)}`, 'must be a string without NUL')
    if (name === '' || /[=\0]/.test(name))
      throw optionError(`env: '${printable(name, 60)}'`, 'is no name of a variable')
    checkRequestSize(`env.${printable(name, 60)}`, 'env', encodeEnv(name, value), value)
    return [name, value]
  })
}

function isInput(value: unknown): boolean {
  if (typeof value === 'string' || isUint8Array(value)) return true
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
