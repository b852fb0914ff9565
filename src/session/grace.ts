import type { Wait } from '../liveness/waits.js'
import type { SessionPort } from './port.js'
import { QuietLimit } from './quiet-limit.js'

/**
 * When a process that a command left behind holds its output open: how long silence means that nothing more comes. The
 * peer is asked in the middle, since silence may also be an outage.
 */
const halfGraceMs = 1000

/** How long a peer may take that answers other questions, but perhaps not this one. */
const answerMs = 15_000

export interface GraceSession {
  /** Whether the peer may send nothing because our side does not read. */
  readonly isHeldUp: boolean
  /** It is over, though its output may still be open. */
  complete(outputOpen: boolean): void
}

/**
 * What a command gets whose exit is known and whose output has not ended. The exit may overtake megabytes of output, so
 * silence after it counts only while nothing can be on its way.
 */
export class Grace {
  readonly #port: SessionPort
  readonly #session: GraceSession
  #isOver = false
  #quiet: QuietLimit | undefined
  /** Whether the peer has answered since the last output: then our windows have reached it, and its output us. */
  #proven = false
  #question: Wait<void> | undefined

  /** Begins at once. */
  constructor(port: SessionPort, session: GraceSession) {
    this.#port = port
    this.#session = session
    this.#watch()
  }

  outputCame(): void {
    this.#proven = false
    this.#quiet?.touch()
  }

  stop(): void {
    this.#isOver = true
    this.#quiet?.stop()
    this.#question?.resolve()
  }

  #watch(): void {
    this.#quiet = new QuietLimit({
      port: this.#port,
      limit: 'channelClose',
      limitMs: halfGraceMs,
      // Output may stand in line behind that of other channels.
      clock: 'reply',
      // Output may wait for our side: for somebody to read it, or for a window that is on its way out.
      excused: () => this.#session.isHeldUp || this.#port.holdsBack,
      expired: () => (this.#proven ? this.#session.complete(true) : this.#ask()),
    })
  }

  #ask(): void {
    const { waits, keepalive } = this.#port
    this.#proven = true
    if (keepalive.liveness(this.#port.now()).bound === null) return this.#watch()
    const question = waits.start<void>({
      limit: 'reply',
      limitMs: answerMs,
      clock: 'answer',
      phase: 'command',
      what: 'an answer that comes behind the output',
      isAwaited: false,
    })
    this.#question = question
    const takeBack = keepalive.probeNow(
      this.#port.now(),
      () => question.resolve(),
      () => question.sent(),
    )
    const goOn = () => {
      takeBack()
      if (!this.#isOver) this.#watch()
    }
    question.promise.then(goOn, goOn)
  }
}
