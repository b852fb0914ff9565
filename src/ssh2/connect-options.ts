import net from 'node:net'
import type { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import type { ConnectOptions } from '../client/options.js'
import { isDuplex } from '../socket/stream.js'
import { type AgentLike, createAgent, isAgent, socketPathOf } from './agents.js'
import { chooseAlgorithms } from './algorithms.js'
import { type AuthHandler, type Credentials, handlerOf } from './auth-methods.js'
import type { ConnectConfig } from './config.js'
import { streamOption } from './given-socket.js'
import { holdfastAgent } from './holdfast-agent.js'
import { hostKeyOption } from './host-keys.js'
import { parseForeignKey } from './original.js'
import { type ParsedKey, parseKey } from './parsed-key.js'

/** What `connect()` was asked for, after the checks that ssh2 makes too. */
export interface Plan {
  readonly options: ConnectOptions
  /** For options that nobody sets, by their paths. */
  readonly builtIn: ReadonlyMap<string, number>
  readonly identification: string | undefined
  readonly credentials: Credentials
  readonly handler: AuthHandler
  readonly forwardsAgent: boolean
  readonly strictVendor: boolean
  /** The stream that the program gave. */
  readonly sock: Duplex | undefined
  /** Milliseconds after which a silent socket emits `timeout`; 0 = never. */
  readonly socketTimeoutMs: number
  readonly debug: (text: string) => void
  /** What only ssh2 itself can do; undefined where there is no such thing. */
  readonly lacking: string | undefined
}

/** ssh2's own. */
const defaultReadyTimeout = 20_000
const readyLimits = ['connect', 'dns', 'tcp', 'identification', 'keyExchange', 'authentication'] as const

/** @throws Error as ssh2 does, with its texts */
export function readConfig(config: ConnectConfig): Plan {
  // First, so that a program which gives none gets the words that it gets there.
  const host = text(config.hostname) || text(config.host) || 'localhost'
  const algorithms = chooseAlgorithms(config.algorithms)
  const username = text(config.username) ?? text(config.user)
  if (username === undefined) throw new Error('Invalid username')
  const agent = agentOf(config.agent)
  if (config.agentForward === true && agent === undefined)
    throw new Error('You must set a valid agent path to allow agent forwarding')
  const { key, lackingKey } = privateKeyOf(config)
  const port = portOf(config.port)
  const credentials: Credentials = {
    username,
    password: text(config.password),
    key,
    agent,
    tryKeyboard: config.tryKeyboard === true,
    localHostname: text(config.localHostname),
    localUsername: text(config.localUsername),
  }
  const sock = isDuplex(config.sock) ? config.sock : undefined
  return {
    options: {
      host,
      port,
      // An empty one is sent as it is; here it would name nobody.
      username: username || undefined,
      ...keepaliveOf(config),
      limits: limitsOf(config),
      algorithms: algorithms.options,
      hostKey: hostKeyOption(config),
      socket: socketOptionsOf(config),
      stream: sock && streamOption(sock),
      agent: false,
      forwardAgent: agent === undefined ? false : (socketPathOf(agent) ?? holdfastAgent(agent)),
    },
    builtIn: builtInOf(config),
    identification: identificationOf(config.ident),
    credentials,
    handler: handlerOf(config.authHandler, credentials),
    forwardsAgent: config.agentForward === true,
    strictVendor: config.strictVendor !== false,
    sock,
    socketTimeoutMs: typeof config.timeout === 'number' ? config.timeout : 0,
    debug: typeof config.debug === 'function' ? config.debug : () => {},
    lacking: algorithms.lacking ?? lackingKey,
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value)
}

/** Node's own error, which programs know. */
function portOf(given: unknown): number {
  const port = given || 22
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (typeof number === 'number' && Number.isInteger(number) && number > 0 && number < 65_536) return number
  const type = typeof port === 'string' ? `type string ('${port}')` : `type ${typeof port} (${inspect(port)})`
  throw Object.assign(new RangeError(`Port should be >= 0 and < 65536. Received ${type}.`), {
    code: 'ERR_SOCKET_BAD_PORT',
  })
}

/** The program's own period stays; what it does not set is on by Holdfast's default, also where it says 0. */
function keepaliveOf({ keepaliveInterval, keepaliveCountMax }: ConnectConfig): Pick<ConnectOptions, 'keepalive'> {
  if (!isPositive(keepaliveInterval)) return {}
  const countMax = typeof keepaliveCountMax === 'number' && keepaliveCountMax >= 1 ? Math.floor(keepaliveCountMax) : 3
  return { keepalive: { interval: keepaliveInterval, countMax } }
}

/** One time for all that comes before `ready`, as with ssh2; none at all is not to be had. */
function limitsOf({ readyTimeout }: ConnectConfig): ConnectOptions['limits'] {
  if (!isPositive(readyTimeout)) return {}
  return Object.fromEntries(readyLimits.map((name) => [name, readyTimeout]))
}

/** What holds where the program sets no `readyTimeout`, and no default of a policy says otherwise: ssh2's own 20 s. */
function builtInOf({ readyTimeout }: ConnectConfig): Plan['builtIn'] {
  if (readyTimeout === 0 || isPositive(readyTimeout)) return new Map()
  return new Map(readyLimits.map((name) => [`limits.${name}`, defaultReadyTimeout]))
}

function socketOptionsOf(config: ConnectConfig): ConnectOptions['socket'] {
  const { localAddress, localPort, forceIPv4, forceIPv6 } = config
  const family = Boolean(forceIPv4) === Boolean(forceIPv6) ? undefined : forceIPv4 ? 4 : 6
  const own = Number(localPort)
  return {
    localAddress: text(localAddress) && net.isIP(text(localAddress) ?? '') !== 0 ? text(localAddress) : undefined,
    localPort: localPort === undefined || !Number.isInteger(own) ? undefined : own,
    family,
  }
}

function agentOf(agent: unknown): AgentLike | undefined {
  if (typeof agent === 'string' && agent !== '') return createAgent(agent)
  return isAgent(agent) ? agent : undefined
}

/** RFC 4253 section 4.2. */
function identificationOf(ident: unknown): string | undefined {
  if (typeof ident !== 'string' && !Buffer.isBuffer(ident)) return undefined
  return `SSH-2.0-${ident.toString('latin1')}`
}

interface GivenKey {
  readonly key: ParsedKey | undefined
  readonly lackingKey: string | undefined
}

function privateKeyOf({ privateKey, passphrase }: ConnectConfig): GivenKey {
  if (typeof privateKey !== 'string' && !Buffer.isBuffer(privateKey)) return { key: undefined, lackingKey: undefined }
  if (privateKey.length === 0) return { key: undefined, lackingKey: undefined }
  const own = parseKey(privateKey, passphrase)
  // Where neither reads it, the program gets ssh2's own words.
  const key = own instanceof Error ? (parseForeignKey(privateKey, passphrase) ?? own) : own
  if (key instanceof Error) throw new Error(`Cannot parse privateKey: ${key.message}`, { cause: key.cause })
  if (!key.isPrivateKey()) throw new Error('privateKey value does not contain a (valid) private key')
  return { key, lackingKey: key.type === 'ssh-dss' ? 'a DSA key' : undefined }
}
