import { runAll } from './deadlines.js'
import { Members } from './members.js'

/**
 * Calls back when signals abort, with one listener a signal however many waits share it: Node warns from the eleventh
 * listener on one signal, and programs pass one signal to hundreds of calls.
 */
export class AbortListeners {
  /** Made with the first: most connections have none, and an empty Map is 180 bytes. */
  #watched: Map<AbortSignal, Watched> | undefined

  /**
   * Calls `aborted` once when `signal` aborts. The caller looks at `signal.aborted` first.
   * @returns a function that takes it back
   */
  add(signal: AbortSignal, aborted: (reason: unknown) => void): () => void {
    const watched = this.#watched?.get(signal) ?? this.#watch(signal)
    const member = watched.callbacks.add(aborted)
    return () => {
      if (watched.callbacks.remove(member) && watched.callbacks.size === 0) this.#unwatch(signal, watched)
    }
  }

  #watch(signal: AbortSignal): Watched {
    const callbacks = new Members<(reason: unknown) => void>()
    const listener = () => {
      this.#unwatch(signal, watched)
      runAll(callbacks.all().map((member) => () => member.isThere && member.value(signal.reason)))
    }
    const watched = { callbacks, listener }
    this.#watched ??= new Map()
    this.#watched.set(signal, watched)
    signal.addEventListener('abort', listener)
    return watched
  }

  #unwatch(signal: AbortSignal, watched: Watched): void {
    this.#watched?.delete(signal)
    signal.removeEventListener('abort', watched.listener)
  }
}

interface Watched {
  readonly callbacks: Members<(reason: unknown) => void>
  readonly listener: () => void
}
