import { defaultLimits } from '#src/client/limits.js'
import type { ErrorCode, HoldfastError } from '#src/errors.js'
import { answerMs, answersOutOfLine, backlogMs, type Invariant, type Run, transferMs } from '../run.js'
import type { Spoiled } from '../trouble.js'
import type { Call } from '../user/calls.js'

const slackMs = 100
/** What only the peer can fulfil. */
const answered: ReadonlySet<Call['kind']> = new Set(['open', 'request', 'global-request', 'rekey', 'probe'])
/** docs/liveness.md: a reply clock stands still for at most ten times its limit. */
const patience = 10
/** DESIGN section 5: a call whose limit ended its command settles at most 3 s after the limit. */
const endingMs = 3000

/**
 * Every promise settles:
 * - at once when the connection ends, with its cause, or something of the call's own that came first;
 * - else within ten times its limit, of `close` and `channel-close` as well (docs/liveness.md, the reply clock), and time
 *   in which we were absent is made up for once;
 * - by its limit only after its limit, and only where trouble explains that no answer came.
 */
export function promisesSettle(): Invariant {
  const ends = new EndsOfPrograms()
  return {
    name: 'every promise settles, in time and for a reason that is true',
    check: (run) => check(run) ?? ends.unreported(run),
  }
}

function check(run: Run): string | undefined {
  const { user, client } = run
  if (user.calls.complaint !== undefined) return user.calls.complaint
  for (const call of user.calls.settledNow) {
    const problem = settledWrongly(run, call)
    if (problem !== undefined) return `${call.name}, called at ${call.at} ms, ${problem}`
  }
  if (client.process.isBehind) return undefined
  for (const call of user.calls.pending) {
    const problem = overdue(run, call)
    if (problem !== undefined) return `${call.name}, called at ${call.at} ms, ${problem}`
  }
  return undefined
}

function overdue(run: Run, call: Call): string | undefined {
  const { client, world } = run
  if (client.ending !== undefined) return 'is pending although the connection is over'
  if (run.user.closedAt !== undefined && call.kind !== 'close') return 'is pending although the client was closed'
  const { limitMs, abortAt } = call
  const abortedBy = (abortAt ?? Infinity) + (call.kind === 'run' ? endingMs : 0) + 2 * run.absentMs(call.at)
  if (world.now() > abortedBy + slackMs) return 'is pending though it was aborted'
  if (limitMs === null) return undefined
  const boundMs = longestMs(call.kind, limitMs) + 2 * run.absentMs(call.at)
  if (world.now() > call.at + boundMs + slackMs) return `has not settled within ${boundMs} ms`
  return isOnReplyClock(call) ? silentTooLong(run, call, limitMs) : undefined
}

function isOnReplyClock({ kind }: Call): boolean {
  return kind === 'open' || kind === 'request' || kind === 'global-request' || kind === 'channel-close'
}

/**
 * A silent peer gets no grace: a limit on the reply clock ends the wait when that long nothing has come since the kernel
 * took the request. A key exchange may hold the request back, and has a limit of its own.
 */
function silentTooLong(run: Run, call: Call, limitMs: number): string | undefined {
  const { client, world } = run
  if (client.untaken > 0) return undefined
  const since = Math.max(call.at, client.tookAt, client.heardAt)
  const boundMs = limitMs + defaultLimits.rekey + 2 * run.absentMs(call.at)
  return world.now() > since + boundMs + slackMs ? `is pending, and nothing came for ${boundMs} ms` : undefined
}

function longestMs(kind: Call['kind'], limitMs: number): number {
  if (kind === 'close') return limitMs
  return kind === 'run' ? limitMs + endingMs : patience * limitMs
}

function settledWrongly(run: Run, call: Call): string | undefined {
  const { error, at } = call.settled ?? {}
  if (call.kind === 'close' && error === undefined && at !== undefined) return closedLate(run, call, at)
  if (error === undefined && answered.has(call.kind) && run.client.heardAt < call.at)
    return 'was fulfilled, though nothing was heard since'
  if (error === undefined || at === undefined) return undefined
  const { ending } = run.client
  if (ending !== undefined && (error === ending.cause || error.cause === ending.cause)) return undefined
  if (call.kind === 'run') return runEndedWrongly(run, call, error, at)
  const judge = judges[error.code]
  return judge === undefined ? `failed with ${error.code}: ${error.message}` : judge(run, call, at)
}

/** A server forgets a session a moment after its CLOSE, and the call that waits for its place is the next to be tried. */
function placeUnused({ server, troubles, plan }: Run, at: number): string | undefined {
  const isSpoilt = troubles.all.length > 0 || plan.absences.length > 0
  const freeMs = at - server.freeSince
  return isSpoilt || freeMs < 5000 + 4 * answerMs(plan)
    ? undefined
    : `found no place, and one was free for ${freeMs} ms`
}

/** A command has limits of its own, on clocks of its own: none may end it early, and `timeout` not late. */
function runEndedWrongly(run: Run, call: Call, error: HoldfastError, at: number): string | undefined {
  const { limitMs, limit } = error
  const isOwn = limit !== 'channelOpen' && limit !== 'reply'
  if (error.code === 'ERR_SSH_STDIN_STALLED' || (error.code === 'ERR_SSH_TIMEOUT' && isOwn))
    return at - call.at < (limitMs ?? 0) - 1 ? `reached its limit ${limit} of ${limitMs} ms early` : undefined
  if (error.code === 'ERR_SSH_MAX_BUFFER') return undefined
  if (error.code === 'ERR_SSH_TIMEOUT') {
    if (run.plan.server.maxSessions < run.plan.commands.length) return placeUnused(run, at)
    return timedOut(run, { ...call, limitMs: limitMs ?? 0 }, at)
  }
  const judge = judges[error.code]
  return judge === undefined ? `failed with ${error.code}: ${error.message}` : judge(run, call, at)
}

/** What a call may fail with for itself alone, and when. */
const judges: Readonly<Partial<Record<ErrorCode, (run: Run, call: Call, at: number) => string | undefined>>> = {
  ERR_SSH_CLOSED: ({ user }) => (user.closedAt === undefined ? 'says that the client was closed' : undefined),
  ERR_SSH_ABORTED: (_run, { abortAt }, at) =>
    abortAt === undefined || at < abortAt ? 'says that it was aborted' : undefined,
  ERR_SSH_TIMEOUT: timedOut,
  ERR_SSH_PROBE_TIMEOUT: timedOut,
  ERR_SSH_CHANNEL_OPEN: (run) => (mayRefuse(run) ? undefined : 'was refused by a server that refuses nothing'),
  ERR_SSH_CHANNEL_CLOSED: (run, call) => (isClosed(run, call) ? undefined : 'says that its channel was closed'),
  ERR_SSH_REQUEST_REFUSED: (run, { kind }) =>
    kind === 'global-request' && !answersOutOfLine(run) ? 'was refused by a server that knows it' : undefined,
}

/** With a peer that reads all that was written, a close takes the rest of that, a goodbye and the peer's own. */
function closedLate({ client, server, user, plan, troubles }: Run, call: Call, at: number): string | undefined {
  const isQuiet = troubles.all.length === 0 && plan.absences.length === 0 && user.runs.length === 0
  if (!isQuiet || !client.isReady || client.ending?.cause.code !== 'ERR_SSH_CLOSED') return undefined
  const isRead = user.commands.every(({ command, written, gaveUp, over }) => {
    const truth = server.programs.find((program) => program.command === command)
    return !gaveUp && over !== 'closed' && truth?.stdin === written
  })
  const written = user.commands.reduce((sum, command) => sum + command.written, 0)
  const boundMs = 2 * answerMs(plan) + transferMs(plan, written)
  if (!isRead || at <= call.at + boundMs) return undefined
  return `took ${at - call.at} ms, though nothing was left to send`
}

/** By the program, or by a CLOSE that came. */
function isClosed({ client: { tap }, user }: Run, { command }: Call): boolean {
  if (command === undefined) return false
  const record = user.commands.find((each) => each.command === command)
  // A request that a key exchange holds back was not seen on the wire.
  if (record?.gaveUp === true || record?.over === 'closed') return true
  return tap?.channelOf(command)?.closedAt !== undefined
}

function mayRefuse({ plan }: Run): boolean {
  return plan.ailments.some(({ what }) => what === 'refuses-opens') || plan.server.maxSessions < plan.commands.length
}

function timedOut(run: Run, call: Call, at: number): string | undefined {
  const { plan, troubles, user } = run
  const { limitMs } = call
  if (limitMs === null) return 'reached a limit that it has not'
  // A second rekey() is the one that is under way.
  if (at - call.at < limitMs - 1 && call.kind !== 'rekey')
    return `reached its limit of ${limitMs} ms after ${at - call.at} ms`
  if (isOnReplyClock(call) && at - call.at < patience * limitMs && at - user.trafficAt < limitMs - 1)
    return `reached its limit of ${limitMs} ms while traffic came, last at ${user.trafficAt} ms`
  const graceMs = answerMs(plan) + backlogMs(run, user.commands.length)
  // What only a probe can tell of is judged by what passed on the wire: answers.ts.
  const isTold = run.client.tap !== undefined || plan.server.deafTo.length > 0
  if (call.kind === 'probe' && (isTold || answersOutOfLine(run))) return undefined
  if (limitMs <= graceMs || wasPassedOver(run, call, at)) return undefined
  const spoiled = spoiling[call.kind] ?? ['key-exchanges']
  if (troubles.explain(spoiled, at - limitMs, at, graceMs)) return undefined
  return `reached its limit of ${limitMs} ms although the peer had nothing wrong with it`
}

/** What a call may fail by besides; one that was refused waits for a place. */
const spoiling: Readonly<Partial<Record<Call['kind'], readonly Spoiled[]>>> = {
  probe: ['probes', 'requests', 'key-exchanges'],
  run: ['opens', 'key-exchanges'],
}

/** Whether the server said nothing to what the call asked, or gave its answer to somebody who had asked before. */
function wasPassedOver(run: Run, { kind, at: since }: Call, at: number): boolean {
  const { silences } = run.server
  const kinds = kind === 'open' ? ['opens'] : kind === 'run' ? ['opens', 'requests'] : ['requests']
  if (silences.some((each) => each.at >= since && each.at <= at && kinds.includes(each.to))) return true
  return kind === 'global-request' && answersOutOfLine(run)
}

/** With nothing wrong, a command that has ended and holds nothing open is soon reported to whoever called it. */
class EndsOfPrograms {
  readonly #endedAt = new Map<number, number>()

  unreported(run: Run): string | undefined {
    const { server, plan, troubles, user, world, client } = run
    const isSpoilt = troubles.all.length > 0 || plan.absences.length > 0 || plan.server.deafTo.length > 0
    if (isSpoilt || client.ending !== undefined || user.closedAt !== undefined) return undefined
    for (const { command, isDone, isWhole } of server.programs)
      if (isDone && isWhole && !this.#endedAt.has(command)) this.#endedAt.set(command, world.now())
    const output = plan.commands.reduce((sum, { stdout, stderr }) => sum + stdout + stderr, 0)
    const graceMs = 5000 + 6 * answerMs(plan) + 2 * backlogMs(run, plan.commands.length) + 2 * transferMs(plan, output)
    for (const {
      plan: { command },
      outcome,
    } of user.runs) {
      const endedAt = plan.commands[command]?.closes === true ? this.#endedAt.get(command) : undefined
      if (outcome === undefined && endedAt !== undefined && world.now() > endedAt + graceMs)
        return `run ${command} is pending, and its command ended at ${endedAt} ms`
    }
    return undefined
  }
}
