import type { Tally } from './batch.js'
import { makePlan } from './make-plan.js'
import type { Plan } from './plan.js'
import { type Failure, play } from './scenario.js'
import { shrink } from './shrink.js'
import { Trace } from './trace.js'

type Say = (line: string) => void

/** Plays a seed again, and tells a person what happens in the smallest plan that violates the same. */
export async function tell(seed: number, say: Say): Promise<boolean> {
  const plan = makePlan(seed)
  const { failure } = await play(plan)
  if (failure === undefined) {
    await tellOf(plan, say)
    say(`seed ${seed}: nothing is violated`)
    return true
  }
  const smallest = await shrink(plan, failure)
  await tellOf(smallest.plan, say)
  tellFailure(seed, smallest.failure, say)
  return false
}

async function tellOf(plan: Plan, say: Say): Promise<void> {
  for (const part of ['link', 'client', 'server'] as const) say(`${part}: ${plainly(plan[part])}`)
  for (const [index, command] of plan.commands.entries())
    if (plan.calls.some((call) => call.call === 'exec' && call.command === index))
      say(`command ${index}: ${plainly(command)}`)
  await play(plan, new Trace(say))
}

function tellFailure(seed: number, { invariant, problem, at }: Failure, say: Say): void {
  say(`VIOLATED at ${(at / 1000).toFixed(3)} s: ${invariant}: ${problem}`)
  say(`again: npm run sim -- --seed ${seed}`)
}

function plainly(part: object): string {
  return Object.entries(part)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ')
}

/** The last lines of a run: how many, how fast, how they ended. */
export function tellTally(tally: Tally, seconds: number, say: Say): void {
  const { sessions, settled, fulfilled, failed, endings, excuses } = tally
  const ways = [...endings].toSorted(([, a], [, b]) => b - a).map(([code, times]) => `${code} ${times}`)
  say(`ended by: ${ways.join(', ')}`)
  for (const [excuse, times] of excuses) say(`${times} sessions excused: ${excuse}`)
  say(`${settled} promises settled, ${fulfilled} of them by a value`)
  say(`${sessions} sessions, ${failed.length} failed, ${(sessions / seconds).toFixed(0)} a second`)
}
