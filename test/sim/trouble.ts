import type { Path } from './network/path.js'
import { retransmitMs } from './network/tcp-stream.js'
import type { AilmentPlan, Plan } from './plan.js'

/** A time in which the peer could not be heard, or could not hear, through no fault of ours. */
export interface Trouble {
  readonly from: number
  /** When it was over; Infinity: never. */
  readonly to: number
  /** Until when it may be felt: TCP sends again as late after a fault as the fault was long (RFC 6298). */
  readonly feltUntil: number
  /** Whether everything stops that the peer says; else it is still heard, and does not hear or answer. */
  readonly isSilence: boolean
  readonly spoils: Spoiled
  readonly what: string
}

/** What does not work in a trouble; the rest goes on. */
export type Spoiled = 'everything' | 'probes' | 'opens' | 'requests' | 'key-exchanges'

const spoiledBy: Readonly<Record<AilmentPlan['what'], Spoiled>> = {
  stopped: 'everything',
  deaf: 'everything',
  silent: 'probes',
  'leaves-rekey': 'key-exchanges',
  'refuses-opens': 'opens',
  'ignores-opens': 'opens',
  'ignores-requests': 'requests',
}

/** The truth about everything that went wrong, against which the client's verdicts are held. */
export class Troubles {
  readonly #path: Path
  readonly #planned: readonly Trouble[]
  #all: readonly Trouble[] | undefined

  constructor(plan: Plan, path: Path) {
    this.#path = path
    this.#planned = [...outagesOf(plan), ...ailmentsOf(plan), ...sleepsOf(plan), ...endsOf(plan)]
  }

  get all(): readonly Trouble[] {
    if (this.#all !== undefined) return this.#all
    const from = this.#path.forgottenAt
    if (from === Number.POSITIVE_INFINITY) return this.#planned
    const forgotten = { ...forEver(from), isSilence: true, spoils: 'everything', what: 'the NAT forgot' } as const
    this.#all = [...this.#planned, forgotten]
    return this.#all
  }

  /**
   * Whether trouble without a gap explains that nothing worked from `since` until `now`. In a gap of `graceMs` an answer
   * would have come.
   */
  explain(spoiled: readonly Spoiled[], since: number, now: number, graceMs: number): boolean {
    const suspects = this.all.filter(({ spoils }) => spoils === 'everything' || spoiled.includes(spoils))
    let reach = since + graceMs
    while (reach < now) {
      const before = reach
      for (const { from, feltUntil } of suspects) if (from <= before) reach = Math.max(reach, feltUntil + graceMs)
      if (reach === before) return false
    }
    return true
  }
}

function outagesOf({ outages, link }: Plan): Trouble[] {
  return outages.map(({ from, to, which, how }) => {
    const end = how === 'swallowed' ? Infinity : (to ?? Infinity)
    const again = how === 'dropped' ? end - from + retransmitMs(link) : 0
    const isSilence = which !== 'toServer' || how === 'dropped'
    return { from, to: end, feltUntil: end + again, isSilence, spoils: 'everything', what: `${which} ${how}` }
  })
}

function ailmentsOf({ ailments, link }: Plan): Trouble[] {
  const felt = ailments.filter(({ what }) => what !== 'refuses-opens')
  return felt.map(({ from, to, what }) => {
    // What was passed over in silence is never answered, though what comes later may be.
    const passesOver = spoiledBy[what] !== 'everything'
    const end = passesOver ? Infinity : (to ?? Infinity)
    // A kernel whose buffer was full asks for the window as late again as the stop was long.
    const again = what === 'stopped' || what === 'deaf' ? end - from + retransmitMs(link) : 0
    return { from, to: end, feltUntil: end + again, isSilence: what === 'stopped', spoils: spoiledBy[what], what }
  })
}

function sleepsOf({ absences, link }: Plan): Trouble[] {
  const sleeps = absences.filter(({ what }) => what === 'suspended')
  return sleeps.map(({ from, forMs, networkBackMs }) => {
    const to = from + forMs + networkBackMs
    return {
      from,
      to,
      feltUntil: to + (to - from) + retransmitMs(link),
      isSilence: true,
      spoils: 'everything',
      what: 'asleep',
    }
  })
}

function endsOf({ ends }: Plan): Trouble[] {
  return ends.map(({ at, what }) => ({ ...forEver(at), isSilence: true, spoils: 'everything', what }))
}

function forEver(from: number) {
  return { from, to: Infinity, feltUntil: Infinity }
}
