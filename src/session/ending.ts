import type { CommandEnding, RemoteState } from './outcome.js'
import type { SessionPort } from './port.js'
import type { Session } from './session.js'

/** How far the end of a command got on the remote side, and which way. */
export interface RemoteEnd {
  readonly remote: RemoteState
  readonly ending: CommandEnding
}

/** From the limit on: TERM at once, KILL after the first, CLOSE after the second, and given up after the third. */
const [termMs, killMs, closeMs] = [1000, 1000, 900] as const

/**
 * Ends what a session runs, for which nobody waits any more. A signal has no answer (RFC 4254 section 6.9): only an exit
 * status, an exit signal or the peer's CLOSE shows that it worked. Settles within 3 s and never rejects.
 */
export async function endRemote(session: Session, port: SessionPort): Promise<RemoteEnd> {
  const before = withoutEnding(session, port)
  if (before !== undefined) return before
  session.signal('TERM')
  if (await session.ended(termMs)) return bySignal(session)
  session.signal('KILL')
  if (await session.ended(killMs)) return bySignal(session)
  void session.close()
  const ended = await session.ended(closeMs)
  if (port.cause !== undefined) return unknown
  return ended && session.exit !== undefined ? byClosing : abandoned
}

/** What became of it where there is nothing to end. */
export function withoutEnding(session: Session, port: SessionPort): RemoteEnd | undefined {
  if (session.exit !== undefined) return state('exited', 'none', 'it had ended by itself')
  if (session.stage === 'opening' || session.stage === 'refused')
    return state('not-started', 'none', 'it was not started')
  if (port.cause !== undefined) return unknown
  return session.isClosed ? state('exited', 'none', 'the server had closed its session') : undefined
}

const unknown = state('unknown', 'none', 'what became of it is not known: the connection ended')
const abandoned = state('abandoned', 'none', 'it may still be running: neither TERM nor KILL had an effect')
const byClosing = state('terminated', 'hangup', 'it ended when its channel was closed')

function bySignal(session: Session): RemoteEnd {
  const killed = session.exit?.signal === 'SIGKILL'
  return state(killed ? 'killed' : 'terminated', 'signal', `it was ended by ${killed ? 'KILL' : 'TERM'}`)
}

function state(remote: RemoteState, by: CommandEnding['by'], detail: string): RemoteEnd {
  return { remote, ending: { by, detail } }
}
