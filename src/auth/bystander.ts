import type { LimitName } from '../errors.js'
import type { Waits } from '../liveness/waits.js'

interface BystanderWait {
  readonly limit: LimitName & ('agent' | 'prompt')
  readonly limitMs: number | false
  /** What is waited for, as an error is to say it. */
  readonly what: string
}

/**
 * Waits for somebody who is not the peer, a person or an agent, but no longer than the limit, nor than the connection
 * lives. `work` gets a signal that aborts when nobody waits for it any more.
 */
export async function waitForBystander<T>(
  waits: Waits,
  { limit, limitMs, what }: BystanderWait,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const wait = waits.start<T>({ limit, limitMs, clock: 'call', phase: 'authentication', what })
  const unwanted = new AbortController()
  const settle = async () => {
    try {
      wait.resolve(await work(unwanted.signal))
    } catch (error) {
      wait.reject(error)
    }
  }
  if (wait.pending) void settle()
  try {
    return await wait.promise
  } catch (error) {
    unwanted.abort(error)
    throw error
  }
}
