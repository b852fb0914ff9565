import { HoldfastError } from '../errors.js'
import type { Waits } from '../liveness/waits.js'
import { warn } from './answer.js'

/**
 * What a function does that waits for the server. `ssh2_set_timeout()` may let the program go on before it is done: the
 * program has `false` then, and no handle by which it could ever end what still comes of it. So whoever makes something
 * undoes it:
 *
 * - `start` hands its signal on to all that it waits for (`client.spawn(…, { signal })`), which then stops at once.
 * - `undo` ends what was made all the same, for the server may have been quicker than the signal: it closes the handle.
 *   `nothingMade` says that no handle was made and that what the server did by then is the answer of no later call.
 *
 * A request that the server can still grant, and whose grant nobody could take back, has to end more than itself: a login
 * ends its session.
 */
export interface Work<T> {
  /** @param signal aborts once nobody waits any more */
  readonly start: (signal: AbortSignal) => Promise<T>
  /** Called at most once, and only with what nobody has got. */
  readonly undo: (made: T) => unknown
}

/** For `Work.undo` of what makes nothing that would have to be closed. */
export function nothingMade(): void {}

export interface WorkLimit {
  /** The function of PHP's. */
  readonly name: string
  /** 0 for none. */
  readonly limitMs: number
  readonly waits: Waits
}

/**
 * Does it for no longer than a limit.
 * @throws HoldfastError ERR_SSH_TIMEOUT (limit `timeout`), and what `start` throws
 */
export async function doWithin<T>({ name, limitMs, waits }: WorkLimit, { start, undo }: Work<T>): Promise<T> {
  const unwanted = new AbortController()
  const begin = async () => start(unwanted.signal)
  if (limitMs === 0) return begin()
  const wait = waits.start<T>({ limit: 'timeout', limitMs, clock: 'call', phase: 'request', what: `${name}()` })
  const running = begin()
  running.then(
    (made) => wait.resolve(made),
    (error: unknown) => wait.reject(error),
  )
  try {
    return await wait.promise
  } catch (error) {
    unwanted.abort(error)
    void undoLate(name, running, undo)
    throw error
  }
}

async function undoLate<T>(name: string, running: Promise<T>, undo: (made: T) => unknown): Promise<void> {
  try {
    await undo(await running)
  } catch (error) {
    // A HoldfastError is what `start` failed by: nothing was made.
    if (!(error instanceof HoldfastError)) warn(name, `what was given up could not be undone: ${String(error)}`)
  }
}
