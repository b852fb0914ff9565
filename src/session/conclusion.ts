import { asHoldfastError, detailsOf, type ErrorDetails, type HoldfastError, takeFrames } from '../errors.js'
import { endRemote } from './ending.js'
import { CommandError, type CommandExit, type CommandOutcome } from './outcome.js'
import type { SessionHost } from './port.js'
import type { Session } from './session.js'

/** What a call has of its command so far. */
export type Gathered = Pick<CommandOutcome, 'command' | 'stdout' | 'stderr'>

/** What turns the end of a session into what its caller gets. */
export interface Conclusion {
  readonly host: SessionHost
  gathered(): Gathered
  /** Where the call was made: an error made at a limit would show the timer's stack. */
  readonly origin: Error
}

/**
 * Waits for a session's end. The first cause that fails it decides the error; then the command is ended on the remote
 * side too, so that the error can say how far that got.
 */
export async function conclude(session: Session, conclusion: Conclusion): Promise<CommandExit> {
  let exit: CommandExit
  try {
    exit = await session.end
  } catch (cause) {
    throw await endFailed(session, cause, conclusion)
  }
  // Not when the end was read: the peer's CLOSE comes right behind it, and ours is an answer then, with nothing to be waited for.
  session.letGo()
  return exit
}

/** A session failed for this cause. @returns the error of its call */
export async function endFailed(session: Session, cause: unknown, conclusion: Conclusion): Promise<CommandError> {
  session.stopWaiting()
  const error = await failure(session, cause, conclusion)
  // When the connection closes in order, what was written still goes out, but nothing more; its end destroys the streams.
  if (conclusion.host.port.cause !== undefined && session.startup.stage !== 'opening') session.input.end()
  else {
    session.channel?.beginClose()
    session.failStreams(error)
  }
  return error
}

/** The error of this call, once what it failed for has been carried out on the remote side. */
export async function failure(session: Session, cause: unknown, conclusion: Conclusion): Promise<CommandError> {
  const base = asHoldfastError(cause)
  // To end it drops what nobody reads, and takes time, in which places may become free.
  const hint = { ...unreadHint(base, session), ...placesHint(base, session, conclusion) }
  const end = await endRemote(session, conclusion.host)
  if (end.remote === 'abandoned') session.isAbandoned = true
  const elapsedMs = conclusion.host.port.now() - session.calledAt
  const { exitCode, signal } = session.exit ?? { exitCode: null, signal: null }
  const error = new CommandError(
    base.code,
    `${base.message}; ${end.ending.detail}`,
    {
      phase: 'command',
      ...detailsOf(base),
      elapsedMs,
      cause: causeOf(base, conclusion),
      ...hint,
    },
    {
      ...conclusion.gathered(),
      ...end,
      exitCode,
      signal,
      outputOpen: end.outputOpen || session.outcome?.outputOpen === true,
      durationMs: elapsedMs,
      refusedEnv: session.startup.refusedEnv,
      delivery: session.startup.delivery,
    },
  )
  takeFrames(error, conclusion.origin)
  return error
}

function causeOf(base: HoldfastError, conclusion: Conclusion): unknown {
  // What others share with it stays recognisable as the cause. Of an abort, whoever was aborted, the cause is the
  // signal's reason.
  const isOwn = isOwnLimit(base, conclusion) || base.code === 'ERR_SSH_ABORTED'
  return isOwn ? base.cause : base
}

/** A limit is this call's own, unless it ended the connection. */
function isOwnLimit(base: HoldfastError, { host: { port } }: Conclusion): boolean {
  return base.limit !== undefined && base !== port.cause
}

/** A program that waits for its reader never ends, whatever the limit. */
function unreadHint({ limit }: HoldfastError, session: Session): ErrorDetails {
  if (limit !== 'timeout' || !session.isHeldUp) return {}
  const hint =
    'it could write no more, since its output was not read: read stdout and stderr, or resume() what is of no use'
  return { hint }
}

/** Who holds the places, where the server gave no more. */
function placesHint(base: HoldfastError, session: Session, conclusion: Conclusion): ErrorDetails {
  const { abandoned, taken } = conclusion.host.places
  const isWithoutPlace = session.hasWaitedForPlace && session.channel === undefined
  if (!isWithoutPlace || !isOwnLimit(base, conclusion) || taken === 0) return {}
  if (abandoned.length === 0) {
    const limits = 'run fewer commands at once, or give them a longer limit'
    const open = taken === 1 ? '1 session is open' : `${taken} sessions are open`
    return { hint: `${open}: where the server allows no more (MaxSessions), ${limits}` }
  }
  const commands = abandoned.map((what) => `'${what}'`).join(', ')
  return { hint: `commands that could not be ended keep their places on the server (MaxSessions): ${commands}` }
}
