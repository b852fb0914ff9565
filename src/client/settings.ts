import { userInfo } from 'node:os'
import type { Duplex } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { type Algorithms, defaultAlgorithms } from '../kex/algorithms.js'
import type { Agent } from '../keys/agent.js'
import { defaultAgentPath, defaultKnownHostsFiles, expandHome } from '../keys/paths.js'
import { parseDuration } from '../liveness/duration.js'
import { type KeepaliveSettings, resolveKeepalive } from '../liveness/settings.js'
import { checkStream } from '../socket/stream.js'
import { algorithmNames } from './algorithm-names.js'
import type { Configured } from './config/configured.js'
import type { IgnoredKeyword } from './config/keywords.js'
import { type Limits, resolveLimits } from './limits.js'
import { nearest } from './nearest.js'
import type {
  AlgorithmOptions,
  ConnectOptions,
  HostKeyOptions,
  OpenStream,
  RekeyOptions,
  SocketOptions,
} from './options.js'
import type { AppliedPolicy } from './policy/policy.js'
import { expandProxyCommand } from './proxy-command.js'
import { type ReconnectSettings, resolveReconnect } from './reconnect/options.js'
import { checkShape } from './shape.js'
import { parseTarget } from './target.js'
import type { Way } from './way.js'

/** How to connect, with every value known. */
export interface Settings {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly hostKey: HostKeySettings
  readonly algorithms: Algorithms
  readonly keepalive: KeepaliveSettings
  readonly limits: Limits
  readonly sessionsAhead: number
  readonly rekey: { readonly bytes: number; readonly ms: number }
  readonly socket: SocketOptions
  /** With host, port and user in it. */
  readonly proxyCommand: string | undefined
  readonly stream: Duplex | OpenStream | undefined
  /** The hops before it. */
  readonly via: Way | undefined
  /** Undefined where a lost connection is not made anew. */
  readonly reconnect: ReconnectSettings | undefined
  readonly signal: AbortSignal | undefined
  /** Who we are: read where the keys are loaded. */
  readonly identity: ConnectOptions
  readonly forwardAgent: AgentForwardSettings
  /** What commands ask for besides their own variables. */
  readonly env: Readonly<Record<string, string>> | undefined
  /** How much of the limit `connect` went by before, in milliseconds. */
  readonly spentMs: number
  /** Undefined where the options did not come by `configure()`. */
  readonly policy: AppliedPolicy | undefined
  /** What of ssh_config was not done. */
  readonly ignored: readonly IgnoredKeyword[]
}

/** What a connection needs to know while it lasts: no longer who we are. */
export type LinkSettings = Omit<Settings, 'identity'>

export interface AgentForwardSettings {
  /** The agent that commands may be lent: the path of its socket, or the agent. */
  readonly agent: string | Agent | undefined
  /** Whether they are when they say nothing of it. */
  readonly isDefault: boolean
}

export interface HostKeySettings {
  /** The name that stands for host and port in known_hosts. */
  readonly alias?: string | undefined
  readonly knownHosts: readonly string[]
  readonly policy: 'strict' | 'accept-new' | 'off'
  readonly fingerprints: readonly string[] | undefined
  readonly verify: HostKeyOptions['verify']
  readonly update: boolean
  /** Which of these an administrator enforces: then the program's own word does not take their place. */
  readonly enforced: { readonly policy: boolean; readonly fingerprints: boolean }
}

/**
 * What a program gave, in one piece.
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function gatherOptions(target: string | ConnectOptions, further: ConnectOptions = {}): ConnectOptions {
  const options: ConnectOptions = {
    ...(typeof target === 'string' ? parseTarget(target) : target),
    ...withoutUndefined(further),
  }
  checkShape(options)
  checkWays(options)
  return options
}

/**
 * Fills in what was not given.
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function resolveSettings(configured: Configured, via?: Way): Settings {
  const { options } = configured
  checkShape(options)
  const host = resolveHost(options)
  const { port = 22, username = ownName(), proxyCommand } = options
  const target = { host, alias: configured.alias ?? host, port, username }
  return {
    host,
    port,
    username,
    proxyCommand: proxyCommand === undefined ? undefined : expandProxyCommand(proxyCommand, target),
    hostKey: resolveHostKey(options.hostKey ?? {}, configured.policy),
    algorithms: resolveAlgorithms(options.algorithms ?? {}, configured.named),
    keepalive: resolveKeepalive(options.keepalive ?? {}),
    limits: resolveLimits(options.limits ?? {}),
    sessionsAhead: options.sessionsAhead ?? 0,
    rekey: resolveRekey(options.rekey ?? {}),
    socket: options.socket ?? {},
    stream: resolveStream(options.stream),
    via,
    reconnect: resolveReconnect(options.reconnect ?? false),
    signal: options.signal,
    identity: options,
    forwardAgent: resolveForwardAgent(options),
    env: configured.env,
    spentMs: configured.spentMs,
    policy: configured.policy,
    ignored: configured.ignored,
  }
}

/** Each is the whole way, and none of them goes before the others. */
function checkWays({ proxyJump, proxyCommand, stream, reconnect }: ConnectOptions): void {
  const given = Object.entries({ proxyJump, proxyCommand, stream }).filter(([, way]) => way !== undefined)
  if (given.length > 1) throw wrong(`${given.map(([name]) => name).join(' and ')}: give one of them alone`)
  if (stream !== undefined && typeof stream !== 'function' && reconnect !== undefined && reconnect !== false)
    throw wrong('reconnect: a stream that is lost cannot be opened again; give as stream a function that opens one')
}

function resolveStream(stream: ConnectOptions['stream']): Settings['stream'] {
  return stream === undefined || typeof stream === 'function' ? stream : checkStream(stream)
}

/** A container can run under a number that no user has. */
function ownName(): string {
  try {
    return userInfo().username
  } catch (cause) {
    const message = 'username is missing, and this process runs under no named user'
    throw new HoldfastError('ERR_SSH_OPTION', message, { phase: 'options', cause })
  }
}

/** An option that is undefined is one that was not given: it takes nothing away from the target. */
function withoutUndefined(options: ConnectOptions): ConnectOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function resolveHost({ host, stream }: ConnectOptions): string {
  if (host !== undefined && host !== '') return host
  // A stream leads somewhere already; without a name its host key can only be checked by fingerprint or verify.
  if (stream !== undefined) return 'stream'
  throw wrong('host is missing: whom to connect to?')
}

function resolveHostKey(options: HostKeyOptions, applied: AppliedPolicy | undefined): HostKeySettings {
  const isEnforced = (name: string) => applied?.enforced.has(`hostKey.${name}`) ?? false
  const { knownHosts, policy = 'strict', fingerprints, verify, update = true, alias } = options
  return {
    alias,
    knownHosts: knownHosts?.map(expandHome) ?? defaultKnownHostsFiles(),
    policy,
    fingerprints,
    verify,
    update,
    enforced: { policy: isEnforced('policy'), fingerprints: isEnforced('fingerprints') },
  }
}

function resolveAlgorithms(options: AlgorithmOptions, named: readonly string[] | undefined): Algorithms {
  const list = (name: Exclude<keyof AlgorithmOptions, 'publicKey'>): readonly string[] => {
    const names = options[name]
    if (names !== undefined) checkNames(names, name)
    return names ?? defaultAlgorithms[name]
  }
  if (options.publicKey !== undefined) checkNames(options.publicKey, 'publicKey')
  return {
    kex: list('kex'),
    serverHostKey: list('serverHostKey'),
    cipher: list('cipher'),
    mac: list('mac'),
    named: named ?? [...(options.cipher ?? []), ...(options.mac ?? [])],
  }
}

function checkNames(names: readonly string[], list: keyof AlgorithmOptions): void {
  const candidates = algorithmNames[list]
  if (names.length === 0) throw wrong(`algorithms.${list} is empty: name at least one, or leave it out`)
  for (const name of names) {
    if (!candidates.includes(name)) throw wrong(`algorithms.${list}: there is no '${name}'${nearest(name, candidates)}`)
  }
}

function resolveForwardAgent({ forwardAgent = false, agent }: ConnectOptions): AgentForwardSettings {
  const chosen = typeof forwardAgent === 'boolean' ? (agent ?? defaultAgentPath()) : forwardAgent
  const named = typeof chosen === 'string' ? expandHome(chosen) : chosen
  return { agent: named === false ? undefined : named, isDefault: forwardAgent !== false }
}

function resolveRekey({ bytes = 2 ** 30, interval = '1h' }: RekeyOptions): Settings['rekey'] {
  return { bytes, ms: parseDuration(interval, 'rekey.interval') }
}

function wrong(message: string): HoldfastError {
  return new HoldfastError('ERR_SSH_OPTION', message, { phase: 'options' })
}
