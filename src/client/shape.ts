import { HoldfastError } from '../errors.js'
import { isDuplex } from '../socket/stream.js'
import {
  callback,
  count,
  duration,
  durationOrFalse,
  flag,
  isBoolean,
  isCount,
  isFunction,
  isText,
  listOf,
  number,
  object,
  oneOf,
  text,
  that,
  thatOrObject,
  wholeNumber,
} from './fields.js'
import { isOptionalLimit, limitNames } from './limits.js'
import type { ConnectOptions } from './options.js'

/**
 * These would mean something else in a known_hosts file: several names, patterns, comments, further lines. A colon is
 * part of an IPv6 address, and a percent sign of its zone.
 */
const hostName = /^[^\s\p{Cc},*?!|#@[\]]+$/u
const host = that(matches(hostName), 'must be a host name or an address')
const fingerprint = that(matches(/^SHA256:[A-Za-z0-9+/]{43}$/), 'must look like SHA256:…')
const secret = that((value) => typeof value === 'string' || Buffer.isBuffer(value), 'must be a string or a Buffer')
const texts = listOf(text)

const isFalse = (value: unknown): boolean => value === false

const shape = object({
  host,
  port: wholeNumber(1, 65_535),
  username: text,
  password: that((value) => typeof value === 'string', 'must be a string'),
  changePassword: callback,
  privateKey: secret,
  identityFiles: texts,
  certificateFiles: texts,
  identitiesOnly: flag,
  passphrase: secret,
  certificate: secret,
  agent: that(
    (value) => value === false || isText(value) || isAgent(value),
    'must be the path of a socket, false, or an agent with name, identities() and sign()',
  ),
  forwardAgent: that(
    (value) => isBoolean(value) || isText(value) || isAgent(value),
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
  keepalive: thatOrObject(isFalse, 'must be false or an object', {
    interval: durationOrFalse,
    countMax: number,
    wantReply: flag,
    tcp: thatOrObject(isBoolean, 'must be true, false or an object', {
      idle: duration,
      interval: duration,
      count: number,
    }),
  }),
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
  proxyJump: that(isHops, 'must be a target, options, a Client, or a list of these'),
  stream: that(
    (value) => isDuplex(value) || isFunction(value),
    'must be a Duplex stream, or a function that opens one',
  ),
  config: that((value) => isBoolean(value) || isText(value), 'must be true, false or the path of a file'),
  reconnect: thatOrObject(isBoolean, 'must be true, false or an object', {
    minDelay: duration,
    maxDelay: duration,
    maxTime: durationOrFalse,
    maxAttempts: that((value) => value === false || isCount(value), 'must be a whole number, at least 1, or false'),
  }),
  signal: that((value) => value instanceof AbortSignal, 'must be an AbortSignal'),
})

function matches(pattern: RegExp) {
  return (value: unknown): boolean => typeof value === 'string' && pattern.test(value)
}

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
 * @throws HoldfastError ERR_SSH_OPTION naming each field that is wrong
 */
export function checkShape(options: ConnectOptions): void {
  const problems = shape(options, '')
  if (problems.length === 0) return
  throw new HoldfastError('ERR_SSH_OPTION', `options: ${problems.join('; ')}`, { phase: 'options' })
}
