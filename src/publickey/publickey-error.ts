import { type ErrorDetails, HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'

/** Numbers of RFC 4819. */
export const status = {
  SUCCESS: 0,
  VERSION_NOT_SUPPORTED: 3,
} as const

/** By their numbers. A description is the server's own, and may be missing or in any language. */
const meanings = [
  'success',
  'access denied',
  'no room for more',
  'version not supported',
  'key not found',
  'key type not supported',
  'key already present',
  'general failure',
  'request not supported',
  'attribute not supported',
]

/** The server's subsystem would not do what it was asked for. */
export class PublicKeyError extends HoldfastError {
  /** The number in its answer, one of RFC 4819: 4 where there is no such key, 6 where it is there already. */
  readonly status: number

  constructor(code: number, description: string, what: string) {
    const said = description === '' ? '' : `: ${printable(description, 200)}`
    super('ERR_SSH_PUBLICKEY_FAILURE', `${what}: ${meanings[code] ?? `status ${code}`}${said}`, { phase: 'request' })
    this.status = code
  }
}

/** Nothing that comes on this channel can be trusted any more. */
export function publicKeyProtocolError(problem: string, details: ErrorDetails = {}): HoldfastError {
  return new HoldfastError('ERR_SSH_PUBLICKEY_PROTOCOL', `publickey subsystem: ${problem}`, {
    phase: 'request',
    ...details,
  })
}

/** What a decoder found is wrong with this channel alone; the connection lives. */
export function asPublicKeyError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError && error.code !== 'ERR_SSH_PROTOCOL') return error
  return publicKeyProtocolError(error instanceof Error ? error.message : String(error), { cause: error })
}
