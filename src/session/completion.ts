import type { Wait } from '../liveness/waits.js'
import type { SessionPort } from './port.js'
import { QuietLimit } from './quiet-limit.js'
import type { RemoteExit } from './remote-exit.js'

/**
 * When a process that a command left behind holds its output open: how long silence means that nothing more comes. The
 * peer is asked in the middle, since silence may also be an outage.
 */
const halfGraceMs = 1000

/** How long a peer may take that answers other questions, but perhaps not this one. */
const answerMs = 15_000

export interface CompletedSession {
  /** Whether the peer may send nothing because our side does not read. */
  readonly isHeldUp: boolean
  /** Called once. */
  complete(outputOpen: boolean): void
}

/**
 * When a command is over: its exit is known and its output has ended, in whichever order, or its channel was closed.
 * The exit may overtake megabytes of output, so silence after it counts only while nothing can be on its way.
 */
export class Completion {
  readonly #port: SessionPort
  readonly #session: CompletedSession
  #exit: RemoteExit | undefined
  #outputEnded = false
  #closed = false
  #isOver = false
  #grace: QuietLimit | undefined
  /** Whether the peer has answered since the last output: then our windows have reached it, and its output us. */
  #proven = false
  #question: Wait<void> | undefined

  constructor(port: SessionPort, session: CompletedSession) {
    this.#port = port
    this.#session = session
  }

  /** What the server said; undefined while it has not. */
  get exit(): RemoteExit | undefined {
    return this.#exit
  }

  /** Whether the exit is known and the output has ended. */
  get hasEnded(): boolean {
    return this.#exit !== undefined && this.#outputEnded
  }

  get isClosed(): boolean {
    return this.#closed
  }

  exited(exit: RemoteExit): void {
    if (this.#exit !== undefined) return
    this.#exit = exit
    if (this.#outputEnded) this.#complete(false)
    // sshd says all of the end at once: most often the output has ended when what came with this has been read.
    else queueMicrotask(() => this.#watchUnlessOver())
  }

  outputCame(): void {
    this.#proven = false
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
    this.#question?.resolve()
  }

  #watchUnlessOver(): void {
    if (!this.#isOver) this.#watch()
  }

  #watch(): void {
    this.#grace = new QuietLimit({
      port: this.#port,
      limit: 'channelClose',
      limitMs: halfGraceMs,
      // Output may stand in line behind that of other channels.
      clock: 'reply',
      // Output may wait for our side: for somebody to read it, or for a window that is on its way out.
      excused: () => this.#session.isHeldUp || this.#port.holdsBack,
      expired: () => (this.#proven ? this.#complete(true) : this.#ask()),
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
      this.#watchUnlessOver()
    }
    question.promise.then(goOn, goOn)
  }

  #complete(outputOpen: boolean): void {
    if (this.#isOver) return
    this.stop()
    this.#session.complete(outputOpen)
  }
}
