import type { ErrorCode, HoldfastError } from '../../errors.js'
import { disconnectReason } from '../../wire/numbers.js'

/** What another attempt would fail for too, until a person has seen to it. */
const lastingCodes: ReadonlySet<ErrorCode> = new Set([
  'ERR_SSH_OPTION',
  'ERR_SSH_CONFIG',
  'ERR_SSH_POLICY',
  'ERR_SSH_UNSUPPORTED',
  'ERR_SSH_NEGOTIATION',
  'ERR_SSH_HOST_KEY_UNKNOWN',
  'ERR_SSH_HOST_KEY_CHANGED',
  'ERR_SSH_HOST_KEY_REVOKED',
  'ERR_SSH_HOST_KEY_REJECTED',
  'ERR_SSH_HOST_KEY_SIGNATURE',
  'ERR_SSH_KNOWN_HOSTS',
  'ERR_SSH_AUTHENTICATION',
  'ERR_SSH_AGENT',
  'ERR_SSH_KEY',
  'ERR_SSH_PASSPHRASE',
  'ERR_SSH_ABORTED',
  'ERR_SSH_INTERNAL',
])

/** Of a server that does not want this client. Any other reason may be gone the next time. */
const lastingReasons: ReadonlySet<number> = new Set([
  disconnectReason.HOST_NOT_ALLOWED_TO_CONNECT,
  disconnectReason.PROTOCOL_VERSION_NOT_SUPPORTED,
  disconnectReason.HOST_KEY_NOT_VERIFIABLE,
  disconnectReason.AUTH_CANCELLED_BY_USER,
  disconnectReason.NO_MORE_AUTH_METHODS_AVAILABLE,
  disconnectReason.ILLEGAL_USER_NAME,
])

/** Whether it is of no use to dial again: who asks on after a refusal may be locked out, or lead a person astray. */
export function isLasting({ code, limit, disconnectReason: reason }: HoldfastError): boolean {
  if (lastingCodes.has(code)) return true
  // Nobody answered. Who is asked again by every attempt learns to say yes.
  if (code === 'ERR_SSH_TIMEOUT') return limit === 'prompt'
  return reason !== undefined && lastingReasons.has(reason)
}

/** Whether the server has more clients than it can serve. */
export function isCrowded({ disconnectReason: reason }: HoldfastError): boolean {
  return reason === disconnectReason.TOO_MANY_CONNECTIONS
}
