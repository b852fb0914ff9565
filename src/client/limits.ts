import type { LimitName } from '../errors.js'
import { type Duration, parseDuration } from '../liveness/duration.js'

/** Milliseconds for every limit of a connection; `false` where there is none. */
export type Limits = Readonly<Record<Exclude<LimitName, CommandLimit>, number>> &
  Readonly<Record<CommandLimit, number | false>>

/** Limits of one command. None by default: how long a program may run is its owner's to say. */
export type CommandLimit = 'timeout' | 'idleTimeout' | 'firstByteTimeout' | 'stdinStall'

export const commandLimits: readonly CommandLimit[] = ['timeout', 'idleTimeout', 'firstByteTimeout', 'stdinStall']

/** docs/defaults.md says why each is what it is. */
export const defaultLimits: Limits = {
  connect: 30_000,
  dns: 10_000,
  tcp: 10_000,
  identification: 10_000,
  keyExchange: 10_000,
  authentication: 20_000,
  agent: 5_000,
  prompt: 120_000,
  channelOpen: 15_000,
  reply: 15_000,
  sftp: 15_000,
  rekey: 30_000,
  channelClose: 2_000,
  close: 2_000,
  timeout: false,
  idleTimeout: false,
  firstByteTimeout: false,
  stdinStall: false,
}

export const limitNames = Object.keys(defaultLimits).filter(isLimitName)

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(defaultLimits, name)
}

export type LimitOptions = { readonly [Name in LimitName]?: Duration | (Name extends CommandLimit ? false : never) }

/** @throws HoldfastError ERR_SSH_OPTION naming the limit */
export function resolveLimits(options: LimitOptions): Limits {
  const given = limitNames
    .filter((name) => options[name] !== undefined)
    .map((name) => [name, options[name] === false ? false : parseDuration(options[name], `limits.${name}`)] as const)
  return { ...defaultLimits, ...Object.fromEntries(given) }
}
