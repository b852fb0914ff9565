import net from 'node:net'
import type { ConnectOptions, SocketOptions } from '../client/options.js'
import { enforcesKnownHostsAlone, saysAnyOf, trustPaths } from '../client/policy/govern.js'
import type { KeepaliveOptions, TcpKeepaliveOptions } from '../liveness/settings.js'
import { type IniName, iniOf, type Ssh2Ini } from './ini.js'
import { checkNames, wrongOption } from './wrong-option.js'

/** Options in the manner of a stream context. */
export interface Ssh2Context {
  readonly socket?: SocketContext
  /** As `ini_set()`, for one connection. */
  readonly ini?: Ssh2Ini
  /** Options of Holdfast's `connect()`, but for who logs in: they win over all else here. */
  readonly holdfast?: HoldfastContext
  /** For who opens a URL: `session`, `username` and the like; nothing here. */
  readonly ssh2?: object
}

export type HoldfastContext = Pick<
  ConnectOptions,
  | 'algorithms'
  | 'hostKey'
  | 'keepalive'
  | 'limits'
  | 'proxyCommand'
  | 'proxyJump'
  | 'rekey'
  | 'sessionsAhead'
  | 'signal'
  | 'socket'
  | 'stream'
>

/** PHP's options of sockets, as far as they mean something for one that connects. */
export interface SocketContext {
  /** `address:port` of this machine to connect from, `[address]:port` for IPv6; 0 = any. */
  readonly bindto?: string
  readonly tcp_nodelay?: boolean
  /** SO_KEEPALIVE, with the kernel's own values unless the next three say otherwise. @default true */
  readonly so_keepalive?: boolean
  /** Seconds of silence before the kernel's first probe. */
  readonly tcp_keepidle?: number
  /** Seconds between two of them. */
  readonly tcp_keepintvl?: number
  /** Unanswered ones until the kernel ends the connection. */
  readonly tcp_keepcnt?: number
}

const fields: readonly (keyof HoldfastContext)[] = [
  'algorithms',
  'hostKey',
  'keepalive',
  'limits',
  'proxyCommand',
  'proxyJump',
  'rekey',
  'sessionsAhead',
  'signal',
  'socket',
  'stream',
]

/** `session` and `mode` are of who opens a URL, and `ssh2` too. */
const contextNames = ['socket', 'ini', 'holdfast', 'ssh2', 'session', 'mode']

const ssh2Names = [
  'session',
  'sftp',
  'methods',
  'callbacks',
  'username',
  'password',
  'pubkey_file',
  'privkey_file',
  'env',
  'term',
  'term_width',
  'term_height',
  'term_units',
]

const socketNames: readonly (keyof SocketContext)[] = [
  'bindto',
  'tcp_nodelay',
  'so_keepalive',
  'tcp_keepidle',
  'tcp_keepintvl',
  'tcp_keepcnt',
]
/** PHP knows them for servers, datagrams and listeners. */
const meaningless = ['backlog', 'ipv6_v6only', 'so_reuseport', 'so_broadcast']

/**
 * Looks at the names in a context, which are the same for a session and for a URL.
 * @throws HoldfastError ERR_SSH_OPTION
 */
export function checkContext(context: Ssh2Context | null): void {
  const hint = "what connect() takes is said in 'holdfast': { holdfast: { hostKey: { policy: 'strict' } } }"
  checkNames(context, { of: 'the context', names: contextNames, hint })
  checkNames(context?.ssh2, { of: 'ssh2', names: ssh2Names })
  checkNames(context?.socket, { of: 'socket', names: [...socketNames, ...meaningless] })
  checkNames(context?.holdfast, { of: 'holdfast', names: fields })
  iniOf(context?.ini ?? {})
}

/**
 * What a context comes to, for a host. Its key is accepted unless the context or a policy says whom to trust: PHP's programs
 * compare the fingerprint.
 * @throws HoldfastError ERR_SSH_OPTION naming the option, ERR_SSH_POLICY
 */
export function optionsOf(context: Ssh2Context, host: string): ConnectOptions {
  checkContext(context)
  const own = context.holdfast ?? {}
  const ini = iniOf(context.ini ?? {})
  const { socket, tcp } = socketOptions(context.socket ?? {})
  const base: ConnectOptions = {
    keepalive: keepaliveOf(ini, tcp),
    limits: limitsOf(ini),
    socket,
  }
  return trusting({
    ...base,
    ...own,
    host,
    keepalive:
      typeof own.keepalive === 'object' ? { ...base.keepalive, ...own.keepalive } : (own.keepalive ?? base.keepalive),
    limits: { ...base.limits, ...own.limits },
    socket: { ...base.socket, ...own.socket },
  })
}

function trusting(options: ConnectOptions): ConnectOptions {
  if (options.hostKey !== undefined || saysAnyOf(options, trustPaths)) return options
  // Files alone are for nothing but to be looked at; an enforced policy says by itself how strict to be.
  if (enforcesKnownHostsAlone(options)) return options
  return { ...options, hostKey: { policy: 'off' } }
}

function limitsOf(ini: ReadonlyMap<IniName, number>): NonNullable<ConnectOptions['limits']> {
  const step = ini.get('default_socket_timeout') ?? 0
  const run = ini.get('max_execution_time') ?? 0
  const ms = step * 1000
  // All steps together, each of which may take that long.
  const connecting = { dns: ms, tcp: ms, identification: ms, keyExchange: ms, connect: 3 * ms }
  return { ...(step > 0 && connecting), ...(run > 0 && { timeout: run * 1000 }) }
}

function keepaliveOf(ini: ReadonlyMap<IniName, number>, tcp: KeepaliveOptions['tcp']): KeepaliveOptions {
  const interval = ini.get('ssh2.keepalive')
  return { ...(interval !== undefined && { interval: intervalOf(interval) }), ...(tcp !== undefined && { tcp }) }
}

/** Of seconds, as libssh2 counts them: 0 is off, and 1 is 2. */
export function intervalOf(seconds: number): number | false {
  return seconds === 0 ? false : Math.max(2, seconds) * 1000
}

function socketOptions(given: SocketContext): {
  readonly socket: SocketOptions
  readonly tcp: KeepaliveOptions['tcp']
} {
  const { bindto, tcp_nodelay: noDelay, so_keepalive: isOn, tcp_keepidle, tcp_keepintvl, tcp_keepcnt } = given
  const values: TcpKeepaliveOptions = {
    ...(tcp_keepidle !== undefined && { idle: tcp_keepidle * 1000 }),
    ...(tcp_keepintvl !== undefined && { interval: tcp_keepintvl * 1000 }),
    ...(tcp_keepcnt !== undefined && { count: tcp_keepcnt }),
  }
  const hasValues = Object.keys(values).length > 0
  const tcp = isOn === false ? false : hasValues ? values : isOn
  return { socket: { ...(bindto !== undefined && placeOf(bindto)), ...(noDelay !== undefined && { noDelay }) }, tcp }
}

function placeOf(bindto: string): Pick<SocketOptions, 'localAddress' | 'localPort' | 'family'> {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(bindto) ?? []
  const address = bracketed ?? plain
  if (address === undefined || port === undefined)
    throw wrongOption(`socket: bindto must be address:port, not '${bindto}'`)
  if (address !== '0' && address !== '' && net.isIP(address) === 0)
    throw wrongOption(`socket: bindto has no address: '${bindto}'`)
  return {
    // `0:0` and `[::]:0` are PHP's way to ask for a family alone.
    ...(isAny(address) ? { family: bracketed === undefined ? 4 : 6 } : { localAddress: address }),
    ...(port !== '0' && { localPort: Number(port) }),
  }
}

function isAny(address: string): boolean {
  return address === '0' || address === '' || address === '0.0.0.0' || address === '::'
}
