import type { Socket } from 'node:net'

/** On its way in one direction; a sender that is faster waits. 25 ms at 2.5 GB/s. */
const mostBytes = 64 * 1024 * 1024

interface Underway {
  readonly dueAt: number
  /** Undefined: the end. */
  readonly chunk: Buffer | undefined
}

export interface LaneEnds {
  readonly from: Socket
  readonly to: Socket
  readonly delayMs: number
  /** Called after each chunk was handed on. */
  readonly handedOn: () => void
}

/** One direction of a connection. What comes in together goes out together: one timer for all that is on its way. */
export class Lane {
  readonly #ends: LaneEnds
  #underway: Underway[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #isCut = false

  constructor(ends: LaneEnds) {
    this.#ends = ends
    const { from, to } = ends
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('end', () => this.#take(undefined))
    // What is on its way arrives although its sender is gone, unless that was a reset.
    from.on('error', () => {
      this.cut()
      to.resetAndDestroy()
    })
  }

  /** From now on, what comes in is lost, and nobody is told. */
  cut(): void {
    this.#isCut = true
    this.#underway = []
    clearTimeout(this.#timer)
  }

  #take(chunk: Buffer | undefined): void {
    if (this.#isCut) return
    this.#underway.push({ dueAt: performance.now() + this.#ends.delayMs, chunk })
    this.#bytes += chunk?.length ?? 0
    if (this.#bytes > mostBytes) this.#ends.from.pause()
    if (this.#underway.length === 1) this.#arm()
  }

  #arm(): void {
    const [first] = this.#underway
    if (first === undefined) return
    const waitMs = first.dueAt - performance.now()
    this.#timer = setTimeout(() => this.#deliver(), Math.max(0, waitMs))
  }

  #deliver(): void {
    // A timer fires in whole milliseconds: half of one early is as near as half of one late.
    const now = performance.now() + 0.5
    const notYet = this.#underway.findIndex(({ dueAt }) => dueAt > now)
    const due = this.#underway.splice(0, notYet === -1 ? Infinity : notYet)
    this.#ends.to.cork()
    for (const { chunk } of due) this.#handOn(chunk)
    this.#ends.to.uncork()
    this.#arm()
  }

  #handOn(chunk: Buffer | undefined): void {
    const { from, to, handedOn } = this.#ends
    if (chunk === undefined) {
      to.end()
      return
    }
    to.write(chunk, () => {
      this.#bytes -= chunk.length
      if (this.#bytes <= mostBytes) from.resume()
      handedOn()
    })
  }
}
