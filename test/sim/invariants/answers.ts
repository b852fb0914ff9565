import { answersOutOfLine, type Invariant, type Run } from '../run.js'
import type { Call } from '../user/calls.js'
import type { Question } from '../wire/question.js'
import type { Tap } from '../wire/tap.js'

const slackMs = 100
/** docs/liveness.md: a clock that waits for the kernel stands still for at most ten times its limit. */
const patience = 10

/**
 * `keepalive.send()` and global requests against what passed on the wire: each is fulfilled with the answer that was read
 * in that instant, and reaches its limit only where none was read before; the limit runs from when the kernel has taken
 * the question, and no longer.
 */
export function answersAreTaken(): Invariant {
  return { name: 'an answer is taken when it comes, and only then', check }
}

function check(run: Run): string | undefined {
  const { user, client } = run
  const { tap } = client
  if (tap === undefined) return undefined
  for (const call of user.calls.settledNow) {
    const problem = settledWrongly(run, tap, call)
    if (problem !== undefined) return `${call.name}, called at ${call.at} ms, ${problem}`
  }
  if (client.process.isBehind || client.ending !== undefined || user.closedAt !== undefined) return undefined
  for (const call of user.calls.pending) {
    const problem = call.kind === 'probe' ? overdue(run, tap, call) : undefined
    if (problem !== undefined) return `${call.name}, called at ${call.at} ms, ${problem}`
  }
  return undefined
}

function settledWrongly(run: Run, tap: Tap, call: Call): string | undefined {
  const { error, at = 0 } = call.settled ?? {}
  const asked = questionsOf(tap, call)
  if (asked === undefined) return undefined
  if (error === undefined)
    return isAnsweredAt(tap, call, asked, at) ? undefined : 'was fulfilled, and no answer came then'
  if (error.code !== 'ERR_SSH_PROBE_TIMEOUT' && error.code !== 'ERR_SSH_TIMEOUT') return undefined
  if (error === run.client.ending?.cause || error.cause === run.client.ending?.cause) return undefined
  // An answer that was meant for another question may come when ours is given up already.
  if (call.kind === 'probe' && answersOutOfLine(run)) return undefined
  const answer = asked.find(({ answeredAt, isVoid }) => !isVoid && answeredAt !== undefined && answeredAt < at)
  if (answer !== undefined) return `reached its limit, and the answer had come at ${answer.answeredAt} ms`
  return call.kind === 'probe' ? early(tap, call, asked, at) : undefined
}

/** What may bring the answer that the call waits for; undefined for calls that are not judged here. */
function questionsOf(tap: Tap, { kind, at, question }: Call): readonly Question[] | undefined {
  if (kind === 'probe') return tap.questions.filter(({ probe, askedAt }) => probe !== undefined && askedAt >= at)
  if (kind !== 'global-request') return undefined
  return tap.questions.filter(({ probe, data }) => probe === undefined && data === question)
}

/** A key exchange answers as well: by it a peer is asked that answers nothing else. */
function isAnsweredAt(tap: Tap, { kind }: Call, asked: readonly Question[], at: number): boolean {
  return asked.some(({ answeredAt }) => answeredAt === at) || (kind === 'probe' && tap.newKeysAt === at)
}

function early(tap: Tap, call: Call, asked: readonly Question[], at: number): string | undefined {
  if (asked.length === 0 && tap.newKeysAt < call.at && !tap.inKeyExchange)
    return 'reached its limit, and the peer was not even asked'
  const since = firstTaken(asked) ?? call.at + (patience - 1) * (call.limitMs ?? 0)
  return at < since + (call.limitMs ?? 0) - 1 ? `reached its limit early: it was asked at ${since} ms` : undefined
}

function overdue(run: Run, tap: Tap, call: Call): string | undefined {
  const boundMs = (call.limitMs ?? 0) + 2 * run.absentMs(call.at) + slackMs
  if (run.world.now() <= call.at + boundMs) return undefined
  // What went out in the instant of the call may have gone before it, and a key exchange have come between the two.
  const isSure = !tap.exchangesBegunAt.has(call.at)
  const asked = (questionsOf(tap, call) ?? []).filter(({ askedAt }) => isSure || askedAt > call.at)
  const since = surelyTaken(asked, call.at)
  if (since === undefined || run.world.now() <= since + boundMs) return undefined
  return `is pending, and the kernel took its question at ${since} ms`
}

/** Which question of the instant of a call is its own is not known, where there are several: it is taken once all are. */
function surelyTaken(asked: readonly Question[], at: number): number | undefined {
  const own = asked.filter(({ askedAt }) => askedAt === at)
  const later = firstTaken(asked.filter(({ askedAt }) => askedAt > at))
  if (own.length === 0 || own.some(({ takenAt }) => takenAt === undefined)) return later
  return Math.min(Math.max(...own.map(({ takenAt = 0 }) => takenAt)), later ?? Number.POSITIVE_INFINITY)
}

function firstTaken(asked: readonly Question[]): number | undefined {
  const taken = asked.flatMap(({ takenAt }) => (takenAt === undefined ? [] : [takenAt]))
  return taken.length === 0 ? undefined : Math.min(...taken)
}
