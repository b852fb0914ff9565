import { HoldfastError, type LimitName } from '../errors.js'
import type { StreamState } from './stream-state.js'

export interface StreamLimit {
  readonly limit: LimitName
  readonly limitMs: number
  /** As an error is to say it. */
  readonly what: string
}

/**
 * Waits for something of a stream, for no longer than a limit.
 * @throws HoldfastError ERR_SSH_TIMEOUT, why the connection ended, and what `came` rejects with
 */
export async function waitForStream(
  { peer }: StreamState,
  { limit, limitMs, what }: StreamLimit,
  came: Promise<void>,
): Promise<void> {
  const wait = peer.link.timing.waits.start<void>({ limit, limitMs, clock: 'call', phase: 'command', what })
  came.then(
    () => wait.resolve(),
    (error: unknown) => wait.reject(error),
  )
  await wait.promise
}

/** The limit of the program's own: the connection may be over for one of its limits. */
export function isTimeout(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'ERR_SSH_TIMEOUT' && error.limit === 'timeout'
}
