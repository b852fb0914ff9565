import { isIP } from 'node:net'
import process from 'node:process'
import { defaultKnownHostsFiles } from '../../keys/paths.js'
import { defaultLimits, type LimitOptions } from '../limits.js'
import type { ConnectOptions, HostKeyOptions, RekeyOptions, SocketOptions } from '../options.js'
import type { SshAnswer } from './answer.js'
import { addressOfInterface } from './interface-address.js'
import type { IgnoredKeyword } from './keywords.js'
import { expandPath, type TokenValues } from './tokens.js'

/** Takes note of what cannot be done as it is written. */
export type Note = (keyword: IgnoredKeyword) => void

/** What was set says how; what nobody set says nothing, so that a default of ssh never stands for one of ours. */
export function translate(answer: SshAnswer, tokens: TokenValues, note: Note): ConnectOptions {
  const { host, port, username } = tokens
  return {
    host,
    port,
    username,
    ...identityOptions(answer, tokens, note),
    ...forwardAgentOption(answer, note),
    hostKey: hostKeyOptions(answer),
    keepalive: {
      ...(answer.set('tcpkeepalive') === 'no' && { tcp: false }),
      ...aliveOptions(answer, note),
    },
    limits: limitOptions(answer, note),
    rekey: rekeyOptions(answer),
    socket: socketOptions(answer, note),
  }
}

/** ProxyJump and ProxyCommand; of a host that jumps through itself ssh has complained already. */
export function wayOf(answer: SshAnswer): ConnectOptions {
  const jumps = answer.set('proxyjump')
  if (jumps !== undefined && jumps !== 'none') return { proxyJump: jumps.split(',') }
  const command = answer.set('proxycommand')
  return command === undefined || command === 'none' ? {} : { proxyCommand: command }
}

function identityOptions(answer: SshAnswer, tokens: TokenValues, note: Note): ConnectOptions {
  if (answer.set('pubkeyauthentication') === 'false') return { identityFiles: [], agent: false }
  const agent = answer.set('identityagent')
  return {
    ...(answer.isSet('identityfile') && { identityFiles: paths(answer, 'identityfile', tokens, note) }),
    ...(answer.isSet('certificatefile') && { certificateFiles: paths(answer, 'certificatefile', tokens, note) }),
    ...(answer.set('identitiesonly') === 'yes' && { identitiesOnly: true }),
    ...(agent !== undefined && agentOption(agent)),
  }
}

function paths(answer: SshAnswer, keyword: string, tokens: TokenValues, note: Note): readonly string[] {
  return answer.all(keyword).flatMap((value) => {
    if (value === 'none') return []
    const path = expandPath(value, tokens)
    if (path === undefined) note({ keyword, value, why: 'a token or variable in it is not known here' })
    return path ?? []
  })
}

function agentOption(value: string): ConnectOptions {
  if (value === 'none') return { agent: false }
  if (value === 'SSH_AUTH_SOCK') return {}
  const variable = /^\$(\w+)$/.exec(value)?.[1]
  // A variable that is not set names no agent.
  return { agent: variable === undefined ? value : process.env[variable] || false }
}

/** `ssh -G` has expanded a path, and leaves the name of a variable as it is. */
function forwardAgentOption(answer: SshAnswer, note: Note): ConnectOptions {
  const keyword = 'forwardagent'
  const value = answer.set(keyword) ?? 'no'
  if (value === 'yes' || value === 'no') return value === 'yes' ? { forwardAgent: true } : {}
  const variable = /^\$(\w+)$/.exec(value)?.[1]
  const path = variable === undefined ? value : process.env[variable]
  if (path) return { forwardAgent: path }
  note({ keyword, value, why: 'the variable is not set: no agent is forwarded' })
  return {}
}

function hostKeyOptions(answer: SshAnswer): HostKeyOptions {
  const alias = answer.set('hostkeyalias')
  return {
    ...(alias !== undefined && { alias }),
    ...(answer.set('updatehostkeys') !== undefined && { update: answer.value('updatehostkeys') === 'true' }),
    ...knownHostsOptions(answer),
  }
}

function knownHostsOptions(answer: SshAnswer): HostKeyOptions {
  const policy = policies.get(answer.set('stricthostkeychecking') ?? '')
  const areSet = answer.isSet('userknownhostsfile') || answer.isSet('globalknownhostsfile')
  const files = () => [
    ...knownHostsFiles(answer, 'userknownhostsfile'),
    ...knownHostsFiles(answer, 'globalknownhostsfile'),
  ]
  return {
    ...(areSet && { knownHosts: files() }),
    ...(policy !== undefined && { policy }),
  }
}

/**
 * The first file is the one that is written to, and the system's is not ours to write, whoever wants a host remembered: the
 * program or ssh_config.
 */
export function sparingSystemFiles(options: ConnectOptions, answer: SshAnswer, note: Note): ConnectOptions {
  if (knownHostsFiles(answer, 'userknownhostsfile').length > 0) return options
  const readOnly = { ...options, hostKey: { ...options.hostKey, update: false } }
  if (options.hostKey?.policy !== 'accept-new') return readOnly
  const why = 'there is no UserKnownHostsFile to remember a new host in: it is refused'
  note({ keyword: 'stricthostkeychecking', value: 'accept-new', why })
  return { ...readOnly, hostKey: { ...readOnly.hostKey, policy: 'strict' } }
}

const policies: ReadonlyMap<string, HostKeyOptions['policy']> = new Map([
  ['false', 'off'],
  ['accept-new', 'accept-new'],
  ['true', 'strict'],
])

/** One line with all files; a name with white space in it cannot be told from two. */
function knownHostsFiles(answer: SshAnswer, keyword: string): readonly string[] {
  if (!answer.isSet(keyword)) {
    const [own = '', older = '', ...system] = defaultKnownHostsFiles()
    return keyword === 'userknownhostsfile' ? [own, older] : system
  }
  const names = answer.value(keyword)?.split(' ') ?? []
  return names.filter((name) => name !== '' && name !== 'none' && name !== '/dev/null')
}

/** Without an interval ssh counts nothing, so that a count by itself says nothing. */
function aliveOptions(answer: SshAnswer, note: Note): { readonly interval?: number; readonly countMax?: number } {
  const interval = Number(answer.set('serveraliveinterval') ?? 0)
  if (!(interval > 0)) return {}
  // Debian's ssh sets it by itself for whoever sets BatchMode.
  if (answer.set('batchmode') === 'yes' && interval === 300) return {}
  const countMax = Number(answer.set('serveralivecountmax') ?? Number.NaN)
  if (countMax === 0) note({ keyword: 'serveralivecountmax', value: '0', why: 'the keepalive always has an end here' })
  return { interval: interval * 1000, ...(countMax >= 1 && { countMax }) }
}

function limitOptions(answer: SshAnswer, note: Note): LimitOptions {
  const seconds = Number(answer.set('connecttimeout') ?? 0)
  return { ...(seconds > 0 && handshakeLimits(seconds * 1000)), ...idleLimit(answer, note) }
}

/** ConnectTimeout is for everything before authentication, which keeps its own time. */
function handshakeLimits(ms: number): LimitOptions {
  const connect = Math.max(defaultLimits.connect, ms + defaultLimits.authentication)
  return { tcp: ms, identification: ms, keyExchange: ms, connect }
}

function idleLimit(answer: SshAnswer, note: Note): LimitOptions {
  const keyword = 'channeltimeout'
  const times = (answer.set(keyword) ?? '').split(' ').flatMap((value) => {
    const [, type = '', time = ''] = /^(.+)=(\w+)$/.exec(value) ?? []
    if (['session', 'session:*', 'session*', '*'].includes(type)) return [secondsOf(time)]
    if (value !== '' && value !== 'none') note({ keyword, value, why: 'only that of all sessions is known here' })
    return []
  })
  const shortest = Math.min(...times.filter((seconds) => seconds > 0))
  return Number.isFinite(shortest) ? { idleTimeout: shortest * 1000 } : {}
}

/** TIME FORMATS of sshd_config(5): `90`, `5m`, `1h30m`. */
function secondsOf(time: string): number {
  const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
  const parts = time.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)
  return [...parts].reduce((sum, [, digits, unit = '']) => sum + Number(digits) * (units[unit] ?? 1), 0)
}

function rekeyOptions(answer: SshAnswer): RekeyOptions {
  const [bytes = 0, seconds = 0] = (answer.set('rekeylimit') ?? '').split(' ').map(Number)
  return { ...(bytes > 0 && { bytes }), ...(seconds > 0 && { interval: seconds * 1000 }) }
}

function socketOptions(answer: SshAnswer, note: Note): SocketOptions {
  const family = families.get(answer.set('addressfamily') ?? '')
  const attempts = Number(answer.set('connectionattempts') ?? 1)
  return {
    ...(family !== undefined && { family }),
    ...boundTo(answer, family, note),
    ...(attempts > 1 && { attempts }),
  }
}

const families: ReadonlyMap<string, 4 | 6> = new Map([
  ['inet', 4],
  ['inet6', 6],
])

function boundTo(answer: SshAnswer, family: 4 | 6 | undefined, note: Note): SocketOptions {
  const address = answer.set('bindaddress')
  if (address !== undefined && isIP(address) !== 0) return { localAddress: address }
  if (address !== undefined) note({ keyword: 'bindaddress', value: address, why: 'it is no address, but a name' })
  const device = answer.set('bindinterface')
  return device === undefined ? {} : { localAddress: addressOfInterface(device, family) }
}
