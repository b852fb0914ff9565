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
 * Ends a session's program by its process group: a second session of the same connection is a child of the same sshd, so
 * it can see the first one's process and signal its group.
 * @returns why it could not, or undefined when the program has ended
 */
export function endProcessGroup(session: Session, host: SessionHost, times: GroupEnding): Promise<string | undefined> {
  const { port, helpers } = host
  const until = (instant: number) => instant - port.now()
  return helpers.use(session, until(times.giveUpAt), async (helper) => {
    if (typeof helper === 'string') return helper
    const found = await search(helper, session, host, () => until(times.giveUpAt))
    if (await session.ended(0)) return undefined
    if ('problem' in found) return found.problem
    const termed = await helper.signal('TERM', found.child, until(times.giveUpAt))
    if (await session.ended(Math.max(until(times.killAt), termed ? graceMs : 0))) return undefined
    await helper.signal('KILL', found.child, until(times.giveUpAt))
    if (await session.ended(until(times.giveUpAt))) return undefined
    return 'TERM and KILL to its process group showed no effect in time'
  })
}

/** How often the sessions may have changed while the server listed its processes. */
const tries = 3

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
  for (let tried = 0; tried < tries; tried++) {
    const before = runs.before(helper.session)
    const listing = await helper.list(leftMs())
    if (listing === undefined) return { problem: 'the second session gave no answer in time' }
    if (runs.before(helper.session).length === before.length)
      return findChild(listing, before.indexOf(session), before.length)
  }
  return { problem: 'other commands kept ending while it was looked for' }
}
