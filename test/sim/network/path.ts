import type { LinkPlan, OutagePlan } from '../plan.js'

export type Direction = 'toServer' | 'toClient'

export function opposite(direction: Direction): Direction {
  return direction === 'toServer' ? 'toClient' : 'toServer'
}

/** What lies between two kernels: where packets get through, and where they are lost. */
export class Path {
  readonly #natTimeoutMs: number
  readonly #outages: readonly OutagePlan[]
  #lastPassed = 0
  /** When the NAT lost its memory of this connection; from then on nothing passes either way, and nobody is told. */
  #forgottenAt = Number.POSITIVE_INFINITY
  /** The client's machine sleeps, or its network is not back: nothing passes until then. */
  #asleepUntil = 0

  constructor(link: LinkPlan, outages: readonly OutagePlan[]) {
    this.#natTimeoutMs = link.natTimeoutMs ?? Number.POSITIVE_INFINITY
    this.#outages = outages.filter(({ how }) => how === 'dropped')
  }

  get forgottenAt(): number {
    return this.#forgottenAt
  }

  asleep(until: number): void {
    this.#asleepUntil = Math.max(this.#asleepUntil, until)
  }

  /** Whether a packet that is under way at this instant gets through. Each that does keeps the NAT's memory fresh. */
  passes(direction: Direction, now: number): boolean {
    if (now < this.#asleepUntil || this.#isOut(direction, now)) return false
    if (now - this.#lastPassed > this.#natTimeoutMs)
      this.#forgottenAt = Math.min(this.#forgottenAt, this.#lastPassed + this.#natTimeoutMs)
    if (now >= this.#forgottenAt) return false
    this.#lastPassed = now
    return true
  }

  #isOut(direction: Direction, now: number): boolean {
    for (const { from, to, which } of this.#outages)
      if (from <= now && now < (to ?? Number.POSITIVE_INFINITY) && (which === 'both' || which === direction))
        return true
    return false
  }
}
