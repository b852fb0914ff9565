import type { LimitName } from '../errors.js'
import { type Duration, parseDuration } from '../liveness/duration.js'
import { type CommandLimit, commandLimits } from '../session/options.js'

/** Limits that can be without one. */
const optionalLimits: readonly LimitName[] = [...commandLimits, 'reconnect']
type OptionalLimit = CommandLimit | 'reconnect'

/** Milliseconds for every limit of a connection; `false` where there is none. */
export type Limits = Readonly<Record<Exclude<LimitName, OptionalLimit>, number>> &
  Readonly<Record<OptionalLimit, number | false>>

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
  reconnect: 60_000,
  channelClose: 2_000,
  close: 2_000,
  timeout: false,
  idleTimeout: false,
  firstByteTimeout: false,
  stdinStall: false,
}

export const limitNames = Object.keys(defaultLimits).filter(isLimitName)

export function isOptionalLimit(name: LimitName): boolean {
  return optionalLimits.includes(name)
}

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(defaultLimits, name)
}

/**
 * How long each step may take. A limit that is reached rejects what waited with ERR_SSH_TIMEOUT, and the error names it in
 * `limit`. The last four are for commands that do not name their own; `false` = none.
 */
export interface LimitOptions {
  /** Everything that `connect()` does, but for hops, and the time of a person or an agent. @default '30s' */
  readonly connect?: Duration | undefined
  /** The look-up of the host; with `config`, that by `ssh -G` too. @default '10s' */
  readonly dns?: Duration | undefined
  /** TCP's connection, for each address by itself. @default '10s' */
  readonly tcp?: Duration | undefined
  /** Until the peer has said who it is (RFC 4253 section 4.2). @default '10s' */
  readonly identification?: Duration | undefined
  /** The first key exchange. @default '10s' */
  readonly keyExchange?: Duration | undefined
  /** The peer's own time in authentication, all in all. @default '20s' */
  readonly authentication?: Duration | undefined
  /** One request to the agent, unless it waits for a person. @default '5s' */
  readonly agent?: Duration | undefined
  /** A person who types, touches a key or decides. @default '2m' */
  readonly prompt?: Duration | undefined
  /** The answer to the opening of a channel, on the reply clock (docs/liveness.md). @default '15s' */
  readonly channelOpen?: Duration | undefined
  /** The answer to a request, on the reply clock. @default '15s' */
  readonly reply?: Duration | undefined
  /** The answer to an SFTP request, on the reply clock. @default '15s' */
  readonly sftp?: Duration | undefined
  /** A later key exchange, on the reply clock. @default '30s' */
  readonly rekey?: Duration | undefined
  /** How long a call that is made while the connection is away waits for it; `false` = as long as `reconnect` tries. @default '1m' */
  readonly reconnect?: Duration | false | undefined
  /** The peer's CLOSE of a channel that we closed; then it is given up. @default '2s' */
  readonly channelClose?: Duration | undefined
  /** The end of the connection in order; then it is reset. @default '2s' */
  readonly close?: Duration | undefined
  /** How long a command may run. @default false */
  readonly timeout?: Duration | false | undefined
  /** How long nothing may come of a command. @default false */
  readonly idleTimeout?: Duration | false | undefined
  /** How long the first byte of a command may take. @default false */
  readonly firstByteTimeout?: Duration | false | undefined
  /** How long a command may leave its input unread; then ERR_SSH_STDIN_STALLED. @default false */
  readonly stdinStall?: Duration | false | undefined
}

/** @throws HoldfastError ERR_SSH_OPTION naming the limit */
export function resolveLimits(options: LimitOptions): Limits {
  const given = limitNames
    .filter((name) => options[name] !== undefined)
    .map((name) => [name, options[name] === false ? false : parseDuration(options[name], `limits.${name}`)] as const)
  if (given.length === 0) return defaultLimits
  return { ...defaultLimits, ...Object.fromEntries(given) }
}
