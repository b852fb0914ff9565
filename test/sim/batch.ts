import { setImmediate as turn } from 'node:timers/promises'
import { makePlan } from './make-plan.js'
import { type Failure, type Outcome, play } from './scenario.js'

export interface FailedSeed {
  readonly seed: number
  readonly failure: Failure
}

/** What came of many seeds. */
export interface Tally {
  sessions: number
  settled: number
  fulfilled: number
  readonly failed: FailedSeed[]
  /** How often connections ended by which error. */
  readonly endings: Map<string, number>
  /** In how many sessions something was not held against the client, by what it was. */
  readonly excuses: Map<string, number>
}

export function emptyTally(): Tally {
  return { sessions: 0, settled: 0, fulfilled: 0, failed: [], endings: new Map(), excuses: new Map() }
}

/** Plays seeds one after the other. A rejection that nobody handles counts as a failure of the session it came from. */
export async function playSeeds(start: number, count: number, tally: Tally = emptyTally()): Promise<Tally> {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  // Every wait notes its caller's stack, which costs a quarter of a session and which a replay still shows.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    for (let seed = start; seed < start + count; seed++) {
      const outcome = await playSeed(seed)
      // Node tells of rejections only when the turn ends.
      await turn()
      const [first] = unhandled.splice(0)
      addTo(tally, seed, first === undefined ? outcome : { ...outcome, failure: unhandledFailure(first, outcome) })
    }
  } finally {
    process.off('unhandledRejection', note)
    Error.stackTraceLimit = stackTraceLimit
  }
  return tally
}

async function playSeed(seed: number): Promise<Outcome> {
  try {
    return await play(makePlan(seed))
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const failure = { invariant: 'nothing throws', problem, at: 0 }
    return { failure, steps: 0, ending: 'none', endedAt: 0, settled: 0, fulfilled: 0, excuses: new Set() }
  }
}

function addTo(tally: Tally, seed: number, { failure, settled, fulfilled, ending, excuses }: Outcome): void {
  tally.sessions++
  tally.settled += settled
  tally.fulfilled += fulfilled
  tally.endings.set(ending, (tally.endings.get(ending) ?? 0) + 1)
  for (const excuse of excuses) tally.excuses.set(excuse, (tally.excuses.get(excuse) ?? 0) + 1)
  if (failure !== undefined) tally.failed.push({ seed, failure })
}

function unhandledFailure(reason: unknown, { endedAt }: Outcome): Failure {
  const problem = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
  return { invariant: 'every rejection has a handler', problem, at: endedAt }
}
