import { CommandError } from '#src/session/outcome.js'
import type { Invariant, Run } from '../run.js'
import type { RunRecord } from '../user/program.js'
import type { ChannelFacts } from '../wire/channel-facts.js'
import type { Stretch } from '../wire/stretches.js'

const slackMs = 100
/** DESIGN section 5: a call whose limit ended its command settles at most 3 s after the limit. */
const endingMs = 3000

/**
 * `idleTimeout`, `firstByteTimeout` and `stdinStall` end a command when that long nothing of their kind has happened, by
 * what passed on the wire: not before, and not later. Time in which we were absent is made up for.
 */
export function commandLimitsAreKept(): Invariant {
  const judged = new Set<RunRecord>()
  return { name: 'the limits of a command end it in time, and not early', check: (run) => check(run, judged) }
}

function check(run: Run, judged: Set<RunRecord>): string | undefined {
  const { user, client } = run
  if (client.tap === undefined) return undefined
  for (const record of user.runs) {
    if (judged.has(record) || (record.settledAt === undefined && client.process.isBehind)) continue
    if (record.settledAt !== undefined || hasNoLimit(record)) judged.add(record)
    const problem = late(run, record) ?? early(run, record)
    if (problem !== undefined) return `run ${record.plan.command}, called at ${record.at} ms, ${problem}`
  }
  return undefined
}

const limits = ['idleTimeout', 'firstByteTimeout', 'stdinStall'] as const
type Limit = (typeof limits)[number]

function limitMs({ idleMs, firstByteMs, stallMs }: RunRecord['plan'], limit: Limit): number | null {
  return { idleTimeout: idleMs, firstByteTimeout: firstByteMs, stdinStall: stallMs }[limit]
}

function hasNoLimit(record: RunRecord): boolean {
  return limits.every((limit) => limitMs(record.plan, limit) === null)
}

/** The longest time until then for which what the limit looks at has lasted. */
function lasted(record: RunRecord, channel: ChannelFacts | undefined, limit: Limit, until: number): Stretch {
  const whole = { from: record.at, to: until }
  if (limit === 'firstByteTimeout') return { ...whole, to: Math.min(until, channel?.firstByteAt ?? until) }
  if (limit === 'stdinStall') return channel?.shut.longest(until) ?? { from: until, to: until }
  if (channel === undefined) return whole
  const quiet = channel.quiet.longest(until)
  // The first one began with the call.
  const first = { ...whole, to: Math.min(until, channel.firstSignAt ?? until) }
  return first.to - first.from > quiet.to - quiet.from ? first : quiet
}

function late(run: Run, record: RunRecord): string | undefined {
  const channel = run.client.tap?.channelOf(record.plan.command)
  const until = record.settledAt ?? run.world.now()
  const graceMs = slackMs + 2 * run.absentMs(record.at)
  const isFulfilled =
    record.settledAt !== undefined && record.outcome !== undefined && !(record.outcome instanceof CommandError)
  for (const limit of limits) {
    const ms = limitMs(record.plan, limit)
    if (ms === null) continue
    const { from, to } = lasted(record, channel, limit, until)
    if (to - from <= ms + graceMs) continue
    if (until > from + ms + graceMs + (isFulfilled ? 0 : endingMs))
      return `has a limit ${limit} of ${ms} ms, which was reached at ${from + ms} ms`
  }
  return undefined
}

function early(run: Run, record: RunRecord): string | undefined {
  const { outcome, settledAt } = record
  if (!(outcome instanceof CommandError) || settledAt === undefined) return undefined
  const limit = limits.find((each) => each === outcome.limit)
  const ms = limit === undefined ? null : limitMs(record.plan, limit)
  if (limit === undefined || ms === null) return undefined
  const channel = run.client.tap?.channelOf(record.plan.command)
  // From the limit on the program is ended; only where nothing runs the call settles at once.
  const { from, to } = lasted(record, channel, limit, channel?.signalledAt ?? settledAt)
  if (to - from >= ms - 1) return undefined
  return `was ended by its limit ${limit} of ${ms} ms, and what it looks at lasted from ${from} ms to ${to} ms at the longest`
}
