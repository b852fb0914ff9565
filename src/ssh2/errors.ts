import net from 'node:net'
import { ChannelOpenError } from '../connection/openings.js'
import { HoldfastError } from '../errors.js'
import type { Disconnect } from '../wire/transport-messages.js'

/** Which part of ssh2 an error belongs to, as programs tell them apart. */
export type ErrorLevel =
  | 'client-socket'
  | 'client-timeout'
  | 'client-authentication'
  | 'client-dns'
  | 'agent'
  | 'handshake'
  | 'protocol'

/** An error as ssh2 gives it. `cause` is the error of Holdfast, where there is one, with all that it knows. */
export interface Ssh2Error extends Error {
  /** Stands in the types of Node for programs that are compiled for ES2022 alone. */
  cause?: unknown
  level?: ErrorLevel
  fatal?: boolean
  /** A code of the operating system, a number of SFTP or of a DISCONNECT, or the code of a HoldfastError. */
  code?: string | number
  /** Why a channel was not opened (RFC 4254 section 5.1). */
  reason?: number | string
}

export function ssh2Error(message: string, { cause, ...properties }: Partial<Ssh2Error> = {}): Ssh2Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), properties)
}

/** Who waited for an answer when the connection ended. */
export const noResponse = (cause?: unknown): Ssh2Error => ssh2Error('No response from server', withCause(cause))

/** What a refused, abandoned or unanswered opening of a channel is to its caller. */
export function openingError(error: unknown): Ssh2Error {
  const refusal = find(error, ChannelOpenError)
  if (refusal !== undefined)
    return ssh2Error(`(SSH) Channel open failure: ${refusal.description}`, { reason: refusal.reason })
  return callError(error, noResponse(error))
}

/**
 * What an answer that did not come is to its caller.
 * @param refused what ssh2 says where the server refuses
 */
export function callError(error: unknown, refused: Ssh2Error): Ssh2Error {
  if (!(error instanceof HoldfastError)) return error instanceof Error ? error : ssh2Error(String(error))
  const { code } = error
  if (code === 'ERR_SSH_REQUEST_REFUSED' || code === 'ERR_SSH_CHANNEL_CLOSED') return refused
  // Nothing of ssh2: it would have waited for ever.
  if (code === 'ERR_SSH_TIMEOUT') return ssh2Error(error.message, { level: 'client-timeout', code, cause: error })
  const isOurs = code === 'ERR_SSH_OPTION' || code === 'ERR_SSH_MAX_BUFFER'
  return isOurs ? ssh2Error(error.message, { code, cause: error }) : noResponse(error)
}

/** Whether ssh2 would fail by it too: for a server that is gone, and for an answer that does not come, it waits for ever. */
export function failsInSsh2({ cause }: Pick<Ssh2Error, 'cause'>): boolean {
  return !(cause instanceof HoldfastError) || !waitedForEver.has(cause.code)
}

/** Whether it failed because the program ended the client meanwhile. */
export function failsByOwnEnd({ cause }: Pick<Ssh2Error, 'cause'>): boolean {
  return cause instanceof HoldfastError && cause.code === 'ERR_SSH_CLOSED'
}

const waitedForEver: ReadonlySet<string> = new Set(['ERR_SSH_PEER_DEAD', 'ERR_SSH_TIMEOUT'])

function withCause(cause: unknown): Partial<Ssh2Error> {
  return cause === undefined ? {} : { cause }
}

function find<T>(error: unknown, wanted: abstract new (...args: never[]) => T): T | undefined {
  if (error instanceof wanted) return error
  return error instanceof Error && error.cause !== undefined ? find(error.cause, wanted) : undefined
}

/** What ends a connection, as the program is to see it. */
export interface Ending {
  /** Undefined where ssh2 has no error for it: the peer closed the connection, or said goodbye in order. */
  readonly error: Ssh2Error | undefined
  /** Whether ssh2 would have found it too. Where not, it must not end a program that does not listen. */
  readonly isKnownToSsh2: boolean
  /** Whether the peer closed the stream in order, or we did: ssh2 emits `end` then. */
  readonly isOrderly: boolean
}

export interface EndingFacts {
  readonly isConnected: boolean
  readonly isIdentified: boolean
  readonly isReady: boolean
  readonly farewell: Disconnect | undefined
}

export function endingOf(cause: HoldfastError, facts: EndingFacts): Ending {
  const { code } = cause
  if (code === 'ERR_SSH_CLOSED' || code === 'ERR_SSH_ABORTED') return orderly(undefined)
  if (code === 'ERR_SSH_AUTHENTICATION') return orderly(authenticationError(cause))
  if (code === 'ERR_SSH_DISCONNECTED') return orderly(disconnectError(cause, facts.farewell))
  if (code === 'ERR_SSH_CONNECTION_LOST') return lost(cause, facts)
  if (code === 'ERR_SSH_PEER_DEAD') return abrupt(keepaliveError(cause), false)
  if (code === 'ERR_SSH_TIMEOUT') return abrupt(timeoutError(cause, facts), !facts.isReady)
  if (code === 'ERR_SSH_DNS' || code === 'ERR_SSH_CONNECT') return abrupt(socketError(cause), true)
  // What a function of the program threw.
  const thrown = code === 'ERR_SSH_INTERNAL' && cause.cause instanceof Error ? cause.cause : undefined
  return orderly(thrown ?? protocolError(cause))
}

function orderly(error: Ssh2Error | undefined): Ending {
  return { error, isKnownToSsh2: true, isOrderly: true }
}

function abrupt(error: Ssh2Error, isKnownToSsh2: boolean): Ending {
  return { error, isKnownToSsh2, isOrderly: false }
}

function lost(cause: HoldfastError, { isConnected, isIdentified }: EndingFacts): Ending {
  if (cause.cause !== undefined) return abrupt(socketError(cause), true)
  const error =
    isConnected && !isIdentified
      ? ssh2Error('Connection lost before handshake', { level: 'protocol', fatal: true, cause })
      : undefined
  return orderly(error)
}

/** RFC 4253 section 11.1. */
const reasonNames = new Map([
  [1, 'HOST_NOT_ALLOWED_TO_CONNECT'],
  [2, 'PROTOCOL_ERROR'],
  [3, 'KEY_EXCHANGE_FAILED'],
  [4, 'RESERVED'],
  [5, 'MAC_ERROR'],
  [6, 'COMPRESSION_ERROR'],
  [7, 'SERVICE_NOT_AVAILABLE'],
  [8, 'PROTOCOL_VERSION_NOT_SUPPORTED'],
  [9, 'HOST_KEY_NOT_VERIFIABLE'],
  [10, 'CONNECTION_LOST'],
  [12, 'TOO_MANY_CONNECTIONS'],
  [13, 'AUTH_CANCELED_BY_USER'],
  [14, 'NO_MORE_AUTH_METHODS_AVAILABLE'],
  [15, 'ILLEGAL_USER_NAME'],
])

const byApplication = 11

function disconnectError(cause: HoldfastError, farewell: Disconnect | undefined): Ssh2Error | undefined {
  const reason = cause.disconnectReason ?? farewell?.reason ?? 0
  if (reason === byApplication) return undefined
  const words = farewell?.description ?? ''
  const text = words || reasonNames.get(reason) || `Unexpected disconnection reason: ${reason}`
  return ssh2Error(text, { code: reason, cause })
}

/** Nothing that the program gave was accepted. */
export function authenticationError(cause?: HoldfastError): Ssh2Error {
  return ssh2Error('All configured authentication methods failed', {
    level: 'client-authentication',
    ...withCause(cause),
  })
}

function keepaliveError(cause: HoldfastError): Ssh2Error {
  return ssh2Error('Keepalive timeout', { level: 'client-timeout', cause })
}

function timeoutError(cause: HoldfastError, { isReady }: EndingFacts): Ssh2Error {
  const text = isReady ? cause.message : 'Timed out while waiting for handshake'
  return ssh2Error(text, { level: 'client-timeout', cause })
}

/** The operating system's own error, as programs match it by code, address and text. */
function socketError(cause: HoldfastError): Ssh2Error {
  const own = systemError(cause.cause)
  if (own === undefined) return ssh2Error(cause.message, { level: 'client-socket', cause })
  const properties: Partial<Ssh2Error> = { level: 'client-socket' }
  return Object.assign(own, properties)
}

/** Of several addresses that failed, the one whose text programs know: IPv4 where a name has both. */
function systemError(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  if (!(error instanceof AggregateError)) return error
  const errors = error.errors.filter((each: unknown) => each instanceof Error)
  return errors.find((each) => 'address' in each && net.isIPv4(String(each.address))) ?? errors[0]
}

const handshakeTexts: ReadonlyMap<string, string> = new Map([
  ['ERR_SSH_HOST_KEY_REJECTED', 'Host denied (verification failed)'],
  ['ERR_SSH_HOST_KEY_UNKNOWN', 'Host denied (verification failed)'],
  ['ERR_SSH_HOST_KEY_CHANGED', 'Host denied (verification failed)'],
  ['ERR_SSH_HOST_KEY_REVOKED', 'Host denied (verification failed)'],
  ['ERR_SSH_HOST_KEY_SIGNATURE', 'Handshake failed: signature verification failed'],
])

const negotiationTexts: ReadonlyMap<string, string> = new Map([
  ['no key exchange method', 'Handshake failed: no matching key exchange algorithm'],
  ['no host key algorithm', 'Handshake failed: no matching host key format'],
  ['no cipher', 'Handshake failed: no matching C->S cipher'],
  ['no MAC', 'Handshake failed: no matching C->S MAC'],
  ['no compression', 'Handshake failed: no matching C->S compression'],
])

function protocolError(cause: HoldfastError): Ssh2Error {
  const denied = handshakeTexts.get(cause.code)
  // What the verifier of the program threw.
  if (denied !== undefined && cause.cause instanceof Error && !(cause.cause instanceof HoldfastError))
    return cause.cause
  if (denied !== undefined) return ssh2Error(denied, { level: 'handshake', fatal: true, cause })
  if (cause.code === 'ERR_SSH_NEGOTIATION') {
    const [, text] = [...negotiationTexts].find(([begin]) => cause.message.startsWith(begin)) ?? []
    return ssh2Error(text ?? cause.message, { level: 'handshake', fatal: true, cause })
  }
  const isHandshake = cause.phase === 'keyExchange' || cause.phase === 'hostKey'
  return ssh2Error(cause.message, { level: isHandshake ? 'handshake' : 'protocol', fatal: true, cause })
}
