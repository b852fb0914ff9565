import type { Path } from './network/path.js'
import { retransmitMs } from './network/tcp-stream.js'
import type { AbsencePlan, AilmentPlan, LinkPlan, Plan } from './plan.js'

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
export type Spoiled = 'everything' | 'probes' | 'opens' | 'requests' | 'key-exchanges' | 'nothing'

const spoiledBy: Readonly<Record<AilmentPlan['what'], Spoiled>> = {
  stopped: 'everything',
  deaf: 'everything',
  silent: 'probes',
  'leaves-rekey': 'key-exchanges',
  'refuses-opens': 'opens',
  'ignores-opens': 'opens',
  'ignores-requests': 'requests',
  chatters: 'nothing',
}

/** The truth about everything that went wrong, against which the client's verdicts are held. */
export class Troubles {
  readonly #path: Path
  readonly #planned: readonly Trouble[]
  #all: readonly Trouble[] | undefined

  constructor(plan: Plan, path: Path) {
    this.#path = path
    const delays = [...outagesOf(plan), ...stopsOf(plan), ...sleepsOf(plan)]
    this.#planned = [...together(delays, plan.link), ...relaysOf(plan), ...silencesOf(plan), ...endsOf(plan)]
  }

  get all(): readonly Trouble[] {
    if (this.#all !== undefined) return this.#all
    const from = this.#path.forgottenAt
    if (from === Number.POSITIVE_INFINITY) return this.#planned
    this.#all = [...this.#planned, { ...forEver(from), isSilence: true, spoils: 'everything', what: 'the NAT forgot' }]
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

/** A time in which packets are lost, or find a kernel whose buffer is full. */
interface Delay {
  readonly from: number
  readonly to: number
  readonly isSilence: boolean
  readonly what: string
}

/**
 * The times of delay as they are felt: as long again after their end as they lasted, and one wait of TCP. Its wait stays as long
 * as it has grown until something new is answered, so on a lossy link one more loss costs as much again. One that begins while
 * another is felt makes the waits grow on.
 */
function together(delays: readonly Delay[], link: LinkPlan): Trouble[] {
  const waitMs = retransmitMs(link)
  const waits = link.lossEvery === null ? 1 : 2
  const felt: Trouble[] = []
  for (const delay of delays.toSorted((a, b) => a.from - b.from)) {
    const last = felt.at(-1)
    const joins = last !== undefined && delay.from <= last.feltUntil
    const from = joins ? last.from : delay.from
    const to = joins ? Math.max(last.to, delay.to) : delay.to
    if (joins) felt.pop()
    const isSilence = delay.isSilence || (joins && last.isSilence)
    felt.push({
      from,
      to,
      feltUntil: to + waits * (to - from + waitMs),
      isSilence,
      spoils: 'everything',
      what: delay.what,
    })
  }
  return felt
}

function outagesOf({ outages }: Plan): Delay[] {
  const dropped = outages.filter(({ how }) => how === 'dropped')
  return dropped.map(({ from, to, which }) => ({ from, to: to ?? Infinity, isSilence: true, what: `${which} dropped` }))
}

function stopsOf({ ailments }: Plan): Delay[] {
  const stops = ailments.filter(({ what }) => spoiledBy[what] === 'everything')
  return stops.map(({ from, to, what }) => ({ from, to: to ?? Infinity, isSilence: what === 'stopped', what }))
}

function sleepsOf({ absences }: Plan): Delay[] {
  const sleeps = absences.filter(({ what }) => what === 'suspended')
  return sleeps.map(({ from, forMs, networkBackMs }) => ({
    from,
    to: from + forMs + networkBackMs,
    isSilence: true,
    what: 'asleep',
  }))
}

/** What a relay held comes at once when it heals, and what it swallowed never. */
function relaysOf({ outages }: Plan): Trouble[] {
  const relays = outages.filter(({ how }) => how !== 'dropped')
  return relays.map(({ from, to, which, how }) => {
    const end = how === 'swallowed' ? Infinity : (to ?? Infinity)
    return {
      from,
      to: end,
      feltUntil: end,
      isSilence: which !== 'toServer',
      spoils: 'everything',
      what: `${which} ${how}`,
    }
  })
}

/**
 * What a server passed over in silence is never answered; what comes later is, and a silent peer is asked once an
 * interval, by a client that is there to ask. One that refuses is asked again only when a session ends.
 */
function silencesOf({ ailments, absences, client, calls }: Plan): Trouble[] {
  const silences = ailments.filter(({ what }) => spoiledBy[what] !== 'everything')
  const intervals = calls.map((call) => (call.call === 'configure' ? call.interval : client.interval))
  const askMs = Math.max(0, ...[client.interval, ...intervals].map((interval) => interval || 0))
  return silences.map(({ from, to, what }) => {
    const end = what === 'refuses-opens' || to === null ? Infinity : to
    const feltUntil = putOff(end + askMs, from, absences)
    return { from, to: end, feltUntil, isSilence: false, spoils: spoiledBy[what], what }
  })
}

/** When what a client would do within this time is done, if it was away meanwhile. */
function putOff(until: number, from: number, absences: readonly AbsencePlan[]): number {
  let late = until
  for (const absence of absences.toSorted((a, b) => a.from - b.from)) {
    const backAt = absence.from + absence.forMs
    if (absence.from <= late && backAt > from) late += backAt - Math.max(absence.from, from)
  }
  return late
}

function endsOf({ ends }: Plan): Trouble[] {
  return ends.map(({ at, what }) => ({ ...forEver(at), isSilence: true, spoils: 'everything', what }))
}

function forEver(from: number) {
  return { from, to: Infinity, feltUntil: Infinity }
}
