/**
 * Time in which this process could not listen is excused this often in one silence; then what it could hear counts
 * after all. Without an end, a process whose loop is always late would never learn that its peer is gone. Input that
 * waits is read before every wake, so what such a process is told is right unless the machine itself slept each time.
 */
const excusesMax = 3

/** One silence of the peer: how often it was asked since its last packet, and when the next step is due. */
export class Silence {
  /** When the last packet came. */
  heardAt = Number.NEGATIVE_INFINITY
  /** Whether that was the answer to a question. */
  isIdle = true
  /** Probes asked since, sent or not. */
  asked = 0
  /** Milliseconds since in which this process did not listen. */
  blockedMs = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #excuses = 0
  /** The plan by the last packet no longer holds: each step counts from the one before. */
  #adrift = false

  /** Called for every packet: it ends the silence before it. */
  heard(now: number): void {
    this.heardAt = now
    this.isIdle = false
    this.asked = 0
    this.blockedMs = 0
    this.#excuses = 0
    this.#adrift = false
  }

  /** The packet that was heard last is the answer to a question. */
  answered(): void {
    this.isIdle = true
  }

  /**
   * When the peer is to be asked again, or judged: an interval a probe after its last packet, however late within reason
   * each of them went out. It is judged only when the last one had a whole interval for its answer, and after time that
   * was not listened in, every one of them has, and two round trips at least.
   */
  due(interval: number, countMax: number, rttMs: number): number {
    const { asked } = this
    // Fewer questions may have been asked for since than went out already.
    const planned = this.heardAt + (Math.min(asked, countMax) + 1) * interval
    if (asked === 0) return planned
    if (this.#adrift) return Math.max(planned, this.#askedAt + Math.max(interval, 2 * rttMs))
    return asked < countMax ? planned : Math.max(planned, this.#askedAt + interval)
  }

  ask(now: number): void {
    this.asked++
    this.#askedAt = now
  }

  /** Notes time in which this process did not listen. */
  blocked(milliseconds: number): void {
    this.blockedMs += milliseconds
  }

  /**
   * Takes back the probes that time in which we could not listen has spoilt, one an interval begun, so that the peer
   * is asked at least once more before it is judged.
   * @returns false when this silence has been excused often enough
   */
  excuse(lostMs: number, interval: number, countMax: number): boolean {
    if (this.#excuses >= excusesMax) return false
    this.#excuses++
    this.#adrift = true
    this.asked = Math.max(0, Math.min(this.asked, countMax) - Math.ceil(lostMs / interval))
    return true
  }

  /** Nothing that was asked so far counts. */
  restart(): void {
    this.#adrift = true
    this.asked = 0
  }
}
