import type { SessionHost } from './port.js'
import type { ProcessHelper } from './process-helper.js'
import { findChild, type SearchResult } from './process-search.js'
import type { Session } from './session.js'

/** A group that was sent TERM has at least this long before KILL, in milliseconds. */
const graceMs = 400

export interface GroupEnding {
  /** Instants, as `now()` gives them. */
  readonly killAt: number
  readonly giveUpAt: number
}

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
  | { readonly kind: 'failed'; readonly problem: string }

/**
 * Ends a session's program by its process group: a second session of the same connection is a child of the same sshd, so
 * it can see the first one's process and signal its group.
 */
export function endProcessGroup(session: Session, host: SessionHost, times: GroupEnding): Promise<GroupEnd> {
  const { port, helpers } = host
  const until = (instant: number) => instant - port.now()
  return helpers.use(session, until(times.giveUpAt), async (helper) => {
    if (await session.ended(0)) return { kind: 'exited' }
    if (typeof helper === 'string') return failed(helper)
    const found = await search(helper, session, host, () => until(times.giveUpAt))
    if (await session.ended(0)) return { kind: 'exited' }
    if ('problem' in found) return failed(found.problem)
    return signalGroup(session, {
      term: () => helper.term(found.child, until(times.giveUpAt)),
      kill: (livedAt) => helper.kill(found.child, livedAt, until(times.giveUpAt)),
      graceLeft: () => until(times.killAt),
      timeLeft: () => until(times.giveUpAt),
    })
  })
}

interface GroupSteps {
  readonly term: () => Promise<string | undefined>
  readonly kill: (livedAt: string | undefined) => Promise<boolean>
  /** Milliseconds until KILL, and until nothing is waited for any more. */
  readonly graceLeft: () => number
  readonly timeLeft: () => number
}

async function signalGroup(session: Session, { term, kill, graceLeft, timeLeft }: GroupSteps): Promise<GroupEnd> {
  const livedAt = await term()
  if (livedAt === undefined && (await session.ended(0))) return { kind: 'exited' }
  if (await session.over(Math.max(graceLeft(), livedAt === undefined ? 0 : graceMs)))
    return livedAt === undefined ? { kind: 'exited' } : { kind: 'ended', restKilled: false }
  const firstEnded = await session.ended(0)
  const killed = await kill(livedAt)
  if (await session.over(killed ? timeLeft() : 0)) return { kind: 'ended', restKilled: firstEnded && killed }
  if (await session.ended(killed ? 0 : timeLeft())) return { kind: 'held' }
  return failed('TERM and KILL to its process group showed no effect in time')
}

function failed(problem: string): GroupEnd {
  return { kind: 'failed', problem }
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
    if (listing === undefined) return { problem: 'the second session gave no answer in time' }
    const { sessions } = listing
    if (await session.ended(0)) break
    if (runs.before(helper.session).length === sessions.length)
      return findChild(listing, sessions.indexOf(session), sessions.length)
  }
  return { problem: 'other commands kept ending while it was looked for' }
}
