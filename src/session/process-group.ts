import type { SessionHost } from './port.js'
import type { ProcessHelper } from './process-helper.js'
import type { Child } from './process-script.js'
import { findChild, type SearchResult } from './process-search.js'
import type { Session } from './session.js'

/**
 * KILL comes so long after TERM, in milliseconds, but early enough to be seen to work. Where that would leave less than
 * `leastGraceMs` in between, nothing is signalled any more.
 */
const graceMs = 1000
const leastGraceMs = 400
const effectMs = 400

/**
 * What came of it.
 * - `exited`: it had ended before anything was signalled
 * - `ended`: by TERM or KILL, or its first process by TERM and the others by KILL
 * - `held`: its first process has ended, and something that cannot be told to be of its group holds its output open
 */
export type GroupEnd =
  | { readonly kind: 'exited' }
  | { readonly kind: 'held' }
  | { readonly kind: 'ended'; readonly restKilled: boolean }
  | { readonly kind: 'failed'; readonly problem: string; readonly wasSignalled: boolean }

/**
 * Ends a session's program by its process group: a second session of the same connection is a child of the same sshd, so
 * it can see the first one's process and signal its group.
 * @param giveUpAt an instant, as `now()` gives them
 */
export function endProcessGroup(session: Session, host: SessionHost, giveUpAt: number): Promise<GroupEnd> {
  const { port, helpers } = host
  const timeLeft = () => Math.max(0, giveUpAt - port.now())
  const searchTimeLeft = () => Math.max(0, giveUpAt - leastGraceMs - effectMs - port.now())
  return helpers.use(session, { openMs: searchTimeLeft(), timeLeft }, async (helper) => {
    if (await session.endWaits.ended(0)) return { kind: 'exited' }
    if (typeof helper === 'string') return notSignalled(helper)
    const found = await search(helper, session, host, searchTimeLeft)
    if (await session.endWaits.ended(0)) return { kind: 'exited' }
    if ('problem' in found) return notSignalled(found.problem)
    return signalGroup(session, helper, found.child, timeLeft)
  })
}

/** @param timeLeft milliseconds until nothing is waited for any more; enough for TERM, KILL and its effect */
async function signalGroup(
  session: Session,
  helper: ProcessHelper,
  child: Child,
  timeLeft: () => number,
): Promise<GroupEnd> {
  const leftAtKill = timeLeft() - Math.min(graceMs, timeLeft() - effectMs)
  const untilKill = () => Math.max(0, timeLeft() - leftAtKill)
  const { missed, livedAt } = await helper.term(child, untilKill())
  if (missed && (await session.endWaits.ended(0))) return { kind: 'exited' }
  if (await session.endWaits.over(untilKill()))
    return missed ? { kind: 'exited' } : { kind: 'ended', restKilled: false }
  const firstEnded = await session.endWaits.ended(0)
  const killed = await helper.kill(child, livedAt, timeLeft())
  if (await session.endWaits.over(killed ? timeLeft() : 0)) return { kind: 'ended', restKilled: firstEnded && killed }
  if (await session.endWaits.ended(killed ? 0 : timeLeft())) return { kind: 'held' }
  const problem = 'TERM and KILL to its process group showed no effect in time'
  return { kind: 'failed', problem, wasSignalled: true }
}

function notSignalled(problem: string): GroupEnd {
  return { kind: 'failed', problem, wasSignalled: false }
}

/**
 * The server says that a process ended before it can list processes without it. So when no session has ended from the
 * question to its answer, the list shows a process for each.
 */
async function search(
  helper: ProcessHelper,
  session: Session,
  { runs }: SessionHost,
  leftMs: () => number,
): Promise<SearchResult> {
  while (leftMs() > 0) {
    const listing = await helper.list(leftMs())
    if (listing === undefined || leftMs() === 0) return { problem: 'the second session gave no answer in time' }
    const { sessions } = listing
    if (await session.endWaits.ended(0)) break
    if (runs.before(helper.session).length === sessions.length)
      return findChild(listing, sessions.indexOf(session), sessions.length)
  }
  return { problem: 'other commands kept ending while it was looked for' }
}
