import { defaultAlgorithms } from '../../kex/algorithms.js'
import { defaultKnownHostsFiles } from '../../keys/paths.js'
import { defaultKeepalive } from '../../liveness/settings.js'
import { algorithmNames } from '../algorithm-names.js'
import { defaultLimits, isOptionalLimit, limitNames } from '../limits.js'
import { nearest } from '../nearest.js'
import {
  address,
  anyText,
  anyTexts,
  choice,
  count,
  duration,
  family,
  filePaths,
  fingerprints,
  flag,
  interval,
  type Kind,
  namesOf,
  type OptionValue,
  onFlag,
  optionalDuration,
  tcpKeepalive,
} from './kinds.js'

/** Which of two values is the tighter one. `fixed`: neither, so that what is enforced holds. */
export type Tighter = 'shorter' | 'fewer' | 'on' | 'stricter' | 'subset' | 'fixed'

/** An option that a policy can set. */
export interface PolicyOption {
  /** As in `connect()`: `keepalive.interval`. */
  readonly path: string
  readonly group: string
  readonly name: string
  /** In a policy, and in the environment. */
  readonly kind: Kind
  /** In what a program gives, which can be more. */
  readonly asked: Kind
  readonly tighter: Tighter
  /** What holds where nobody sets it; undefined where that is no value of its own. */
  readonly builtIn: () => OptionValue | undefined
  /** As the environment names it. */
  readonly variable: string
}

const limitOptions = limitNames.map((name) =>
  option(`limits.${name}`, isOptionalLimit(name) ? optionalDuration : duration, 'shorter', defaultLimits[name]),
)

/** All of them, in the order of docs/policy.md. */
export const policyOptions: readonly PolicyOption[] = [
  { ...option('keepalive.interval', interval, 'shorter', defaultKeepalive.interval), asked: optionalDuration },
  option('keepalive.countMax', count, 'fewer', defaultKeepalive.countMax),
  option('keepalive.wantReply', onFlag, 'on', defaultKeepalive.wantReply),
  option('keepalive.tcp', tcpKeepalive, 'fixed', defaultKeepalive.tcp),
  ...limitOptions,
  option('rekey.bytes', count, 'fewer', 2 ** 30),
  option('rekey.interval', duration, 'shorter', 3_600_000),
  { ...option('socket.localAddress', address, 'fixed'), asked: anyText },
  option('socket.family', family, 'fixed'),
  option('socket.attempts', count, 'fewer', 1),
  option('socket.noDelay', onFlag, 'on', true),
  option('hostKey.policy', choice(['strict', 'accept-new', 'off']), 'stricter', 'strict'),
  { ...option('hostKey.knownHosts', filePaths, 'fixed', defaultKnownHostsFiles), asked: anyTexts },
  option('hostKey.fingerprints', fingerprints, 'subset'),
  option('hostKey.update', flag, 'fixed', true),
  option('algorithms.kex', namesOf(algorithmNames.kex), 'subset', defaultAlgorithms.kex),
  option('algorithms.serverHostKey', namesOf(algorithmNames.serverHostKey), 'subset', defaultAlgorithms.serverHostKey),
  option('algorithms.cipher', namesOf(algorithmNames.cipher), 'subset', defaultAlgorithms.cipher),
  option('algorithms.mac', namesOf(algorithmNames.mac), 'subset', defaultAlgorithms.mac),
  option('algorithms.publicKey', namesOf(algorithmNames.publicKey), 'subset'),
]

const strictness: readonly OptionValue[] = ['off', 'accept-new', 'strict']
/** A peer that is asked more often is only burdened. */
const shortestInterval = 1000

const byPath = new Map(policyOptions.map((each) => [each.path, each]))
const groups = [...new Set(policyOptions.map(({ group }) => group))]

export function policyOption(path: string): PolicyOption | undefined {
  return byPath.get(path)
}

export function isGroup(name: string): boolean {
  return groups.includes(name)
}

/** The value that both allow, which for a list may be an empty one. */
export function tightest({ path, tighter }: PolicyOption, wanted: OptionValue, enforced: OptionValue): OptionValue {
  if (tighter === 'on') return wanted === true || enforced
  if (tighter === 'stricter') return strictness.indexOf(wanted) > strictness.indexOf(enforced) ? wanted : enforced
  if (isList(wanted) && isList(enforced) && tighter === 'subset')
    return wanted.filter((item) => enforced.includes(item))
  // One that is `false` has no limit at all.
  if (typeof wanted !== 'number' || typeof enforced !== 'number' || tighter === 'fixed') return enforced
  return Math.min(enforced, path === 'keepalive.interval' ? Math.max(wanted, shortestInterval) : wanted)
}

/** Whether a value forbids nothing, so that to enforce it is a mistake. */
export function bindsNobody({ tighter, kind }: PolicyOption, value: OptionValue): boolean {
  if (tighter === 'stricter') return value === 'off'
  return value === false && (tighter !== 'fixed' || kind === tcpKeepalive)
}

export function isList(value: OptionValue | undefined): value is readonly string[] {
  return Array.isArray(value)
}

/** `; did you mean 'limits.timeout'?` for a path that is none. */
export function likePath(path: string): string {
  const at = path.indexOf('.')
  const name = path.slice(at + 1)
  // Distances are worked out letter by letter.
  if (path.length > 100) return ''
  if (at === -1 && nearest(name, groups) !== '') return nearest(name, groups)
  const elsewhere = otherNames.get(name.toLowerCase())
  if (elsewhere !== undefined) return `; did you mean '${elsewhere}'?`
  const group = path.slice(0, at)
  const near = policyOptions.filter((each) => each.group === group).map((each) => each.path)
  const inGroup = nearest(path, near)
  if (inGroup !== '') return inGroup
  const [same] = policyOptions.filter((each) => nearest(name, [each.name]) !== '')
  return same === undefined ? '' : `; did you mean '${same.path}'?`
}

/** How OpenSSH, ssh2 and PHP call what a policy can set. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['commandtimeout', 'limits.timeout'],
  ['exectimeout', 'limits.timeout'],
  ['readytimeout', 'limits.connect'],
  ['connecttimeout', 'limits.connect'],
  ['keepaliveinterval', 'keepalive.interval'],
  ['serveraliveinterval', 'keepalive.interval'],
  ['keepalivecountmax', 'keepalive.countMax'],
  ['serveralivecountmax', 'keepalive.countMax'],
  ['tcpkeepalive', 'keepalive.tcp'],
  ['so_keepalive', 'keepalive.tcp'],
  ['bindaddress', 'socket.localAddress'],
  ['bindto', 'socket.localAddress'],
  ['addressfamily', 'socket.family'],
  ['stricthostkeychecking', 'hostKey.policy'],
  ['userknownhostsfile', 'hostKey.knownHosts'],
  ['ciphers', 'algorithms.cipher'],
  ['macs', 'algorithms.mac'],
  ['kexalgorithms', 'algorithms.kex'],
  ['hostkeyalgorithms', 'algorithms.serverHostKey'],
])

function option(path: string, kind: Kind, tighter: Tighter, builtIn?: OptionValue | (() => OptionValue)): PolicyOption {
  const [group = '', name = ''] = path.split('.')
  const variable = `HOLDFAST_${path
    .replace('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`
  const valueOf = typeof builtIn === 'function' ? builtIn : () => builtIn
  return { path, group, name, kind, asked: kind, tighter, builtIn: valueOf, variable }
}
