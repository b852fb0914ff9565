import { detailsOf, type ErrorCode, type ErrorDetails, HoldfastError } from '../errors.js'
import type { Transport } from '../kex/transport.js'
import type { Verdict } from '../liveness/port.js'
import { disconnectReason } from '../wire/numbers.js'
import type { Disconnect } from '../wire/transport-messages.js'

const reasonOf: Partial<Record<ErrorCode, number>> = {
  ERR_SSH_PROTOCOL: disconnectReason.PROTOCOL_ERROR,
  ERR_SSH_NEGOTIATION: disconnectReason.KEY_EXCHANGE_FAILED,
  ERR_SSH_HOST_KEY_SIGNATURE: disconnectReason.KEY_EXCHANGE_FAILED,
  ERR_SSH_HOST_KEY_UNKNOWN: disconnectReason.HOST_KEY_NOT_VERIFIABLE,
  ERR_SSH_HOST_KEY_CHANGED: disconnectReason.HOST_KEY_NOT_VERIFIABLE,
  ERR_SSH_HOST_KEY_REVOKED: disconnectReason.HOST_KEY_NOT_VERIFIABLE,
  ERR_SSH_HOST_KEY_REJECTED: disconnectReason.HOST_KEY_NOT_VERIFIABLE,
  ERR_SSH_AUTHENTICATION: disconnectReason.NO_MORE_AUTH_METHODS_AVAILABLE,
}

/** What the peer is told when the connection ends for this; undefined where it would not hear it. */
export function disconnectFor({ code, message }: HoldfastError): Disconnect | undefined {
  const reason = reasonOf[code]
  // A peer that broke the protocol learns in which message; anything else of ours is not its business.
  return reason === undefined ? undefined : { reason, description: code === 'ERR_SSH_PROTOCOL' ? message : '' }
}

/** The stream ended without a goodbye. */
export function lostError(error: Error | undefined, transport: Transport, details: ErrorDetails): HoldfastError {
  // A stream that knows our errors says best itself what became of it.
  if (error instanceof HoldfastError) return error
  const what = error === undefined ? 'the peer closed the stream' : error.message
  const heard = transport.inbound.heardInstead
  const said = heard === undefined ? '' : `; before that it said ${heard} instead of identifying itself`
  return new HoldfastError('ERR_SSH_CONNECTION_LOST', `the connection was lost: ${what}${said}`, {
    ...details,
    ...(error === undefined ? {} : { cause: error }),
  })
}

/** An error with what every error of a connection says, where it was made by a part that does not know of it. */
export function complete(error: HoldfastError, details: ErrorDetails): HoldfastError {
  if (error.host !== undefined) return error
  const completed = new HoldfastError(error.code, error.message, { ...details, ...detailsOf(error) })
  if (error.stack !== undefined) completed.stack = error.stack
  return completed
}

const reasons: Record<Verdict['reason'], string> = {
  silence: 'nothing was heard of the peer for the whole keepalive bound',
  'one-way': 'the peer is heard, but it does not hear us any more: probes stay unanswered beyond their bound',
  writes: 'the peer took none of our bytes, and nothing was heard of it, for the whole keepalive bound',
}

export function verdictError({ reason, evidence }: Verdict, details: ErrorDetails): HoldfastError {
  const { lastHeardMs, probesUnanswered } = evidence
  const seen = `last heard ${Math.round(lastHeardMs ?? 0)} ms ago, ${probesUnanswered} probes unanswered`
  return new HoldfastError('ERR_SSH_PEER_DEAD', `${reasons[reason]} (${seen})`, {
    ...details,
    phase: 'ready',
    evidence,
  })
}

/** It ended here. */
export function closedError(details: ErrorDetails): HoldfastError {
  return new HoldfastError('ERR_SSH_CLOSED', 'the client was closed', { ...details, phase: 'close' })
}
