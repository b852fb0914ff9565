import * as v from 'valibot'
import { HoldfastError } from '../errors.js'
import type { KeepaliveOption } from '../liveness/settings.js'
import { isDuplex } from '../socket/stream.js'
import {
  anyOf,
  callback,
  count,
  countOrFalse,
  duration,
  durationOrFalse,
  type Field,
  flag,
  listOf,
  matching,
  number,
  object,
  off,
  oneOf,
  orObject,
  problemsIn,
  text,
  wholeNumber,
} from './fields.js'
import { isOptionalLimit, limitNames } from './limits.js'
import type { ConnectOptions } from './options.js'

/**
 * These would mean something else in a known_hosts file: several names, patterns, comments, further lines. A colon is
 * part of an IPv6 address, and a percent sign of its zone.
 */
const host = matching(/^[^\s\p{Cc},*?!|#@[\]]+$/u, 'must be a host name or an address')
const fingerprint = matching(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must look like SHA256:…')
const secret = anyOf([v.string(), v.instance(Buffer)], 'must be a string or a Buffer')
const agent = v.custom(isAgent)
const texts = listOf(text)

const keepalive = orObject(off, 'must be false or an object', {
  interval: durationOrFalse,
  countMax: number,
  wantReply: flag,
  tcp: orObject(flag, 'must be true, false or an object', {
    idle: duration,
    interval: duration,
    count: number,
  }),
})

const shape = object({
  host,
  port: wholeNumber(1, 65_535),
  username: text,
  password: v.string('must be a string'),
  changePassword: callback,
  privateKey: secret,
  identityFiles: texts,
  certificateFiles: texts,
  identitiesOnly: flag,
  passphrase: secret,
  certificate: secret,
  agent: anyOf(
    [off, text, agent],
    'must be the path of a socket, false, or an agent with name, identities() and sign()',
  ),
  forwardAgent: anyOf(
    [flag, text, agent],
    'must be true, false, the path of a socket, or an agent with name, identities() and sign()',
  ),
  prompt: callback,
  hostKey: object({
    knownHosts: texts,
    policy: oneOf(['strict', 'accept-new', 'off']),
    fingerprints: listOf(fingerprint),
    verify: callback,
    alias: host,
    update: flag,
  }),
  algorithms: object({ kex: texts, serverHostKey: texts, cipher: texts, mac: texts, publicKey: texts }),
  keepalive,
  limits: object(
    Object.fromEntries(limitNames.map((name) => [name, isOptionalLimit(name) ? durationOrFalse : duration])),
  ),
  sessionsAhead: wholeNumber(0, 10),
  rekey: object({ bytes: count, interval: duration }),
  socket: object({
    localAddress: text,
    localPort: wholeNumber(0, 65_535),
    family: oneOf([4, 6]),
    attempts: count,
    noDelay: flag,
    lookup: callback,
  }),
  proxyCommand: text,
  proxyJump: v.custom(isHops, 'must be a target, options, a Client, or a list of these'),
  stream: anyOf([v.custom(isDuplex), callback], 'must be a Duplex stream, or a function that opens one'),
  config: anyOf([flag, text], 'must be true, false or the path of a file'),
  reconnect: orObject(flag, 'must be true, false or an object', {
    minDelay: duration,
    maxDelay: duration,
    maxTime: durationOrFalse,
    maxAttempts: countOrFalse,
  }),
  signal: v.instance(AbortSignal, 'must be an AbortSignal'),
})

function isHops(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isHop) : isHop(value)
}

/** Options among them are looked at when their turn comes. */
function isHop(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAgent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('identities' in value) || !('sign' in value)) return false
  if (!('name' in value) || typeof value.name !== 'string') return false
  return typeof value.identities === 'function' && typeof value.sign === 'function'
}

/**
 * Checks names and kinds of the options. No value is ever shown: it could be a secret in the wrong place.
 * @throws HoldfastError ERR_SSH_OPTION naming each field that is wrong, and of each object the first name that is none of its own
 */
export function checkShape(options: ConnectOptions): void {
  check('options', options, shape)
}

/** The same for what `keepalive.configure()` takes. */
export function checkKeepalive(part: KeepaliveOption): void {
  check('keepalive', part, keepalive)
}

function check(what: string, value: unknown, field: Field): void {
  const problems = problemsIn(value, field)
  if (problems.length === 0) return
  throw new HoldfastError('ERR_SSH_OPTION', `${what}: ${problems.join('; ')}`, { phase: 'options' })
}
