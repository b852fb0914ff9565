import { z } from 'zod'
import { HoldfastError, type LimitName } from '../errors.js'
import { isDuplex } from '../socket/stream.js'
import { isOptionalLimit, limitNames } from './limits.js'
import { nearest } from './nearest.js'
import type { ConnectOptions } from './options.js'

const callback = z.custom((value) => typeof value === 'function', 'must be a function')
const text = z.string().min(1)
/**
 * These would mean something else in a known_hosts file: several names, patterns, comments, further lines. A colon is
 * part of an IPv6 address, and a percent sign of its zone.
 */
const host = z.string().regex(/^[^\s\p{Cc},*?!|#@[\]]+$/u, 'must be a host name or an address')
const secret = z.union([z.string(), z.instanceof(Buffer)], 'must be a string or a Buffer')
/** Looked at more closely where it is parsed, which knows the field's own rules. */
const duration = z.union([z.number(), z.string()])
const wholeNumber = z.int().min(1)

const keepalive = z.strictObject({
  interval: duration.or(z.literal(false)).optional(),
  countMax: z.number().optional(),
  wantReply: z.boolean().optional(),
  tcp: z
    .union([
      z.boolean(),
      z.strictObject({ idle: duration.optional(), interval: duration.optional(), count: z.number().optional() }),
    ])
    .optional(),
})

const agent = z.custom(
  (value) => value === false || (typeof value === 'string' && value !== '') || isAgent(value),
  'must be the path of a socket, false, or an agent with name, identities() and sign()',
)

const forwardAgent = z.custom(
  (value) => typeof value === 'boolean' || (typeof value === 'string' && value !== '') || isAgent(value),
  'must be true, false, the path of a socket, or an agent with name, identities() and sign()',
)

const schema = z.strictObject({
  host: host.optional(),
  port: z.int().min(1).max(65_535).optional(),
  username: text.optional(),
  password: z.string().optional(),
  changePassword: callback.optional(),
  privateKey: secret.optional(),
  identityFiles: z.array(text).optional(),
  certificateFiles: z.array(text).optional(),
  identitiesOnly: z.boolean().optional(),
  passphrase: secret.optional(),
  certificate: secret.optional(),
  agent: agent.optional(),
  forwardAgent: forwardAgent.optional(),
  prompt: callback.optional(),
  hostKey: z
    .strictObject({
      knownHosts: z.array(text).optional(),
      policy: z.enum(['strict', 'accept-new', 'off']).optional(),
      fingerprints: z.array(z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must look like SHA256:…')).optional(),
      verify: callback.optional(),
      alias: host.optional(),
      update: z.boolean().optional(),
    })
    .optional(),
  algorithms: z
    .strictObject({
      kex: z.array(text).optional(),
      serverHostKey: z.array(text).optional(),
      cipher: z.array(text).optional(),
      mac: z.array(text).optional(),
      publicKey: z.array(text).optional(),
    })
    .optional(),
  keepalive: z.union([z.literal(false), keepalive]).optional(),
  limits: z.strictObject(Object.fromEntries(limitNames.map((name) => [name, limit(name)]))).optional(),
  sessionsAhead: z.int().min(0).max(10).optional(),
  rekey: z.strictObject({ bytes: wholeNumber.optional(), interval: duration.optional() }).optional(),
  socket: z
    .strictObject({
      localAddress: text.optional(),
      localPort: z.int().min(0).max(65_535).optional(),
      family: z.union([z.literal(4), z.literal(6)]).optional(),
      attempts: wholeNumber.optional(),
      noDelay: z.boolean().optional(),
      lookup: callback.optional(),
    })
    .optional(),
  proxyCommand: text.optional(),
  proxyJump: z.custom(isHops, { error: 'must be a target, options, a Client, or a list of these' }).optional(),
  stream: z.union([z.custom(isDuplex), callback], 'must be a Duplex stream, or a function that opens one').optional(),
  config: z.union([z.boolean(), text], 'must be true, false or the path of a file').optional(),
  reconnect: z
    .union([
      z.boolean(),
      z.strictObject({
        minDelay: duration.optional(),
        maxDelay: duration.optional(),
        maxTime: duration.or(z.literal(false)).optional(),
        maxAttempts: wholeNumber.or(z.literal(false)).optional(),
      }),
    ])
    .optional(),
  signal: z.instanceof(AbortSignal, { error: 'must be an AbortSignal' }).optional(),
})

function limit(name: LimitName) {
  return (isOptionalLimit(name) ? duration.or(z.literal(false)) : duration).optional()
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
  const { error } = schema.safeParse(options)
  if (error === undefined) return
  const problems = error.issues.map(describe)
  throw new HoldfastError('ERR_SSH_OPTION', `options: ${problems.join('; ')}`, { phase: 'options' })
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return `${path} ${lower(issue.message)}`
  const candidates = namesAt(issue.path)
  return issue.keys
    .map((key) => `there is no option ${path === '' ? key : `${path}.${key}`}${nearest(key, candidates)}`)
    .join('; ')
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}

/** The names that the object at a path knows. */
function namesAt(path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema
  for (const key of path) at = objectIn(at)?.shape[String(key)]
  return Object.keys(objectIn(at)?.shape ?? {})
}

function objectIn(type: unknown): z.ZodObject | undefined {
  if (type instanceof z.ZodObject) return type
  if (type instanceof z.ZodOptional) return objectIn(type.unwrap())
  if (type instanceof z.ZodUnion) return type.options.map(objectIn).find((option) => option !== undefined)
  return undefined
}
