import type { ServerAuthenticationOptions } from '../auth/server.js'
import type { AuthAttempt, Decision, ServerMethod } from '../auth/server-attempt.js'
import { type Algorithms, defaultAlgorithms } from '../kex/algorithms.js'
import { kexMethods } from '../kex/methods.js'
import type { RekeyLimits } from '../kex/rekey.js'
import { type KeepaliveOption, type KeepaliveSettings, resolveKeepalive } from '../liveness/settings.js'
import { ciphers } from '../transport/ciphers.js'
import { macs } from '../transport/macs.js'
import { Credentials, type UserOptions } from './credentials.js'
import { type HostKeyOption, HostKeys } from './host-keys.js'
import { LocalShell, type LocalShellOptions } from './local-shell.js'
import {
  checkChoice,
  checkFields,
  checkList,
  checkNumber,
  checkObject,
  checkPort,
  checkType,
  optionError,
} from './option-checks.js'
import type { Handlers } from './session.js'
import type { SessionHandler } from './session-handler.js'

/** What `startServer()` takes. Who may log in has to be said; all else has a default. */
export interface ServerOptions {
  /** @default 0, any that is free */
  readonly port?: number | undefined
  /** Who may log in, by name. Either this or `authenticate`. */
  readonly users?: Readonly<Record<string, UserOptions>> | undefined
  /** Decides on each attempt to log in. What it throws ends the connection. */
  readonly authenticate?: ((attempt: AuthAttempt) => Decision | Promise<Decision>) | undefined
  /** What is offered to log in by, with `authenticate`. @default all three */
  readonly methods?: readonly ServerMethod[] | undefined
  /** Text shown to the client before it logs in. */
  readonly banner?: string | undefined
  /** @default one ed25519 key, made anew */
  readonly hostKeys?: readonly HostKeyOption[] | undefined
  /** Runs commands and shells. Without it and without `shell` the server refuses both. */
  readonly exec?: SessionHandler | undefined
  /**
   * Runs commands and shells on this very machine, as whoever runs this program, for anybody who can log in.
   * @default false
   */
  readonly shell?: boolean | LocalShellOptions | undefined
  /** Handlers by the name of the subsystem. The server refuses all others. */
  readonly subsystems?: Readonly<Record<string, SessionHandler>> | undefined
  /**
   * Connects from this machine to wherever a client asks for, and listens where it asks for, Unix sockets included, for
   * anybody who can log in. TCP it listens for on 127.0.0.1 alone.
   * @default false
   */
  readonly forwarding?: boolean | undefined
  /** Sessions at a time on one connection; more are refused. @default 10, as sshd's MaxSessions */
  readonly maxSessions?: number | undefined
  /** Refused attempts to log in, after which a connection ends. @default 6, as sshd's MaxAuthTries */
  readonly maxAuthTries?: number | undefined
  /**
   * False: what a client may send only to provoke an answer gets none: keepalive requests, requests for channels of a
   * type that nobody has. PING is not offered then.
   * @default true
   */
  readonly answerKeepalives?: boolean | undefined
  /** Whether the server probes its clients, as sshd's ClientAliveInterval. @default false */
  readonly keepalive?: KeepaliveOption | undefined
  /** When the server asks for new keys: after so many bytes, or milliseconds. @default 1 GiB, 1 h */
  readonly rekey?: Partial<RekeyLimits> | undefined
  /** What is offered, in order. @default what the client offers by default */
  readonly algorithms?: Partial<Record<'kex' | 'cipher' | 'mac', readonly string[]>> | undefined
  /** What the server says it is, as a client sees it after `SSH-2.0-`. @default 'Holdfast_testing' */
  readonly software?: string | undefined
}

/** The options as they hold. */
export interface ServerSettings {
  readonly port: number
  readonly hostKeys: HostKeys
  readonly authentication: ServerAuthenticationOptions
  readonly handlers: Handlers
  readonly localShell: LocalShell | undefined
  readonly maxSessions: number
  readonly forwarding: boolean
  readonly answerKeepalives: boolean
  readonly keepalive: KeepaliveSettings
  readonly rekey: RekeyLimits
  readonly algorithms: Algorithms
  readonly identification: string
}

const serverFields: Readonly<Record<keyof ServerOptions, true>> = {
  port: true,
  users: true,
  authenticate: true,
  methods: true,
  banner: true,
  hostKeys: true,
  exec: true,
  shell: true,
  subsystems: true,
  forwarding: true,
  maxSessions: true,
  maxAuthTries: true,
  answerKeepalives: true,
  keepalive: true,
  rekey: true,
  algorithms: true,
  software: true,
}

/** @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_KEY, ERR_SSH_PASSPHRASE */
export async function readServerOptions(options: ServerOptions): Promise<ServerSettings> {
  checkFields('options', options, serverFields)
  const { port = 0, maxSessions = 10, forwarding = false, answerKeepalives = true } = options
  const { rekey = {}, software = 'Holdfast_testing' } = options
  checkPort('port', port, 0)
  checkNumber('maxSessions', maxSessions, 0)
  checkSoftware(software)
  checkType('forwarding', forwarding, 'boolean')
  checkType('answerKeepalives', answerKeepalives, 'boolean')
  const settings = {
    port,
    maxSessions,
    forwarding,
    answerKeepalives,
    authentication: readAuthentication(options),
    keepalive: readKeepalive(options.keepalive),
    rekey: readRekey(rekey),
    algorithms: readAlgorithms(options.algorithms ?? {}),
    identification: `SSH-2.0-${software}`,
    hostKeys: await HostKeys.from(options.hostKeys ?? [{ generate: 'ssh-ed25519' }]),
  }
  return { ...settings, ...readHandlers(options) }
}

function readAuthentication(options: ServerOptions): ServerAuthenticationOptions {
  const { users, authenticate, banner, maxAuthTries = 6 } = options
  checkNumber('maxAuthTries', maxAuthTries, 1)
  checkType('banner', banner, 'string')
  checkType('authenticate', authenticate, 'function')
  const common = { maxFailures: maxAuthTries, ...(banner === undefined ? {} : { banner }) }
  if (users !== undefined && authenticate === undefined) {
    const { methods, authenticate: decide } = new Credentials(users)
    return { ...common, methods, authenticate: decide }
  }
  if (users !== undefined || authenticate === undefined)
    throw optionError('users or authenticate', 'has to be given, and not both: they say who may log in')
  const { methods = known.methods } = options
  checkList('methods', methods)
  for (const method of methods) checkChoice('methods', method, known.methods)
  return { ...common, methods, authenticate: async (attempt) => authenticate(attempt) }
}

function readHandlers({
  exec,
  shell = false,
  subsystems = {},
}: ServerOptions): Pick<ServerSettings, 'handlers' | 'localShell'> {
  if (exec !== undefined && shell !== false) throw optionError('exec and shell', 'exclude each other')
  checkType('exec', exec, 'function')
  checkObject('subsystems', subsystems)
  for (const [name, handler] of Object.entries(subsystems)) checkType(`subsystems.${name}`, handler, 'function')
  if (typeof shell !== 'boolean') checkShell(shell)
  const byName = new Map(Object.entries(subsystems))
  const subsystem = (name: string) => byName.get(name)
  if (shell === false) return { handlers: { exec, subsystem }, localShell: undefined }
  const localShell = new LocalShell(shell === true ? {} : shell)
  return { handlers: { exec: (session) => localShell.run(session), subsystem }, localShell }
}

function checkShell(shell: LocalShellOptions): void {
  checkFields('shell', shell, { signals: true, afterClose: true })
  const { signals = 'deliver', afterClose = 'leave' } = shell
  checkChoice('shell.signals', signals, ['deliver', 'ignore'])
  checkChoice('shell.afterClose', afterClose, ['leave', 'end'])
}

function readKeepalive(keepalive: KeepaliveOption = false): KeepaliveSettings {
  if (keepalive === false) return resolveKeepalive(keepalive)
  checkFields('keepalive', keepalive, { interval: true, countMax: true, wantReply: true, tcp: true })
  const { tcp } = keepalive
  if (typeof tcp === 'object' && tcp !== null)
    checkFields('keepalive.tcp', tcp, { idle: true, interval: true, count: true })
  return resolveKeepalive(keepalive)
}

function readRekey(rekey: Partial<RekeyLimits>): RekeyLimits {
  checkFields('rekey', rekey, { bytes: true, ms: true })
  const { bytes = 1024 ** 3, ms = 3_600_000 } = rekey
  checkNumber('rekey.bytes', bytes, 1)
  checkNumber('rekey.ms', ms, 1)
  return { bytes, ms }
}

const allMethods: readonly ServerMethod[] = ['publickey', 'password', 'keyboard-interactive']
const known = { methods: allMethods, kex: kexMethods, cipher: ciphers, mac: macs }

function readAlgorithms(named: NonNullable<ServerOptions['algorithms']>): Algorithms {
  checkFields('algorithms', named, { kex: true, cipher: true, mac: true })
  const offer = { ...defaultAlgorithms, ...named }
  for (const kind of ['kex', 'cipher', 'mac'] as const) {
    checkList(`algorithms.${kind}`, offer[kind])
    const unknown = offer[kind].find((name) => !known[kind].has(name))
    if (unknown !== undefined || offer[kind].length === 0)
      throw optionError(
        `algorithms.${kind}`,
        unknown === undefined ? 'is empty' : `names ${unknown}, which is not known`,
      )
  }
  return offer
}

/** RFC 4253 section 4.2. */
function checkSoftware(software: string): void {
  checkType('software', software, 'string')
  if (/^[\x21-\x7e]{1,200}$/.test(software)) return
  throw optionError('software', 'has to be 1 to 200 printable US-ASCII characters without blanks')
}
