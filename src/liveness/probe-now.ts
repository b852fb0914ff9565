import type { LimitName } from '../errors.js'
import type { Keepalive, ProbeAnswer } from './keepalive.js'
import type { Waits } from './waits.js'

export interface ProbeNowOptions {
  readonly limit: LimitName
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks the peer now, or as soon as a key exchange in progress is over. The connection is not judged by it.
 * @throws HoldfastError ERR_SSH_PROBE_TIMEOUT, ERR_SSH_ABORTED, or the cause of the connection's end
 */
export function probeNow(
  keepalive: Keepalive,
  waits: Waits,
  now: number,
  options: ProbeNowOptions,
): Promise<ProbeAnswer> {
  const wait = waits.start<ProbeAnswer>({
    ...options,
    code: 'ERR_SSH_PROBE_TIMEOUT',
    clock: 'peer',
    phase: 'ready',
    what: 'the answer to a probe',
  })
  if (!wait.pending) return wait.promise
  const takeBack = keepalive.probeNow(now, (answer) => wait.resolve(answer))
  void wait.promise.then(takeBack, takeBack)
  return wait.promise
}
