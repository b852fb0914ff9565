import type { SessionPort } from './port.js'
import { QuietLimit } from './quiet-limit.js'

/** What the server said of a command's end. */
export interface RemoteExit {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** When a process that a command left behind holds its output open: how long silence means that nothing more comes. */
const graceMs = 2000

/**
 * When a command is over: its exit is known and its output has ended, in whichever order, or its channel was closed.
 * The exit may overtake megabytes of output, so silence after it counts only while nothing can be on its way.
 */
export class Completion {
  readonly #port: SessionPort
  readonly #isHeldUp: () => boolean
  readonly #over: (outputOpen: boolean) => void
  #exit: RemoteExit | undefined
  #outputEnded = false
  #closed = false
  #isOver = false
  #grace: QuietLimit | undefined

  /**
   * @param isHeldUp whether output waits for our side: for somebody to read it, or for a window that is on its way out
   * @param over called once
   */
  constructor(port: SessionPort, isHeldUp: () => boolean, over: (outputOpen: boolean) => void) {
    this.#port = port
    this.#isHeldUp = isHeldUp
    this.#over = over
  }

  /** What the server said; undefined while it has not. */
  get exit(): RemoteExit | undefined {
    return this.#exit
  }

  get isClosed(): boolean {
    return this.#closed
  }

  exited(exit: RemoteExit): void {
    if (this.#exit !== undefined) return
    this.#exit = exit
    if (this.#outputEnded) this.#complete(false)
    else if (!this.#isOver) this.#startGrace()
  }

  outputCame(): void {
    this.#grace?.touch()
  }

  outputEnded(): void {
    this.#outputEnded = true
    if (this.#exit !== undefined) this.#complete(false)
  }

  /** Nothing more comes, whatever is missing. */
  closed(): void {
    this.#closed = true
    this.#complete(false)
  }

  stop(): void {
    this.#isOver = true
    this.#grace?.stop()
  }

  #startGrace(): void {
    this.#grace = new QuietLimit({
      waits: this.#port.waits,
      now: () => this.#port.now(),
      limit: 'channelClose',
      limitMs: graceMs,
      // Output may stand in line behind that of other channels.
      clock: 'reply',
      excused: this.#isHeldUp,
      expired: () => this.#complete(true),
    })
  }

  #complete(outputOpen: boolean): void {
    if (this.#isOver) return
    this.stop()
    this.#over(outputOpen)
  }
}
