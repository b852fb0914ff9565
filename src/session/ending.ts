import type { CommandEnding, RemoteState } from './outcome.js'
import type { SessionHost } from './port.js'
import { endProcessGroup } from './process-group.js'
import type { Program } from './program.js'
import type { Session } from './session.js'
import { forcedAdvice, openSshVersion, type SignalReach, signalReach, signalsGroup } from './signal-reach.js'

/** How far the end of a command got on the remote side, and which way. */
export interface RemoteEnd {
  readonly remote: RemoteState
  readonly ending: CommandEnding
  /** Whether something is known to hold its output open although it has ended. */
  readonly outputOpen: boolean
}

/** From the limit on, in milliseconds: TERM goes at once, and then … */
const killAtMs = 1000
const closeAtMs = 1500
const groupUntilMs = 2800
const abandonAtMs = 2900
/** How soon a signal shows an effect, where it has one. */
const effectMs = 400
/** A program whose channel is closed at once may still have to notice that. */
const noticeMs = 100
/** How soon output ends after the last process that holds it. */
const outputMs = 300

/**
 * Ends what a session runs, for which nobody waits any more. A signal has no answer (RFC 4254 section 6.9): only an exit
 * status, an exit signal or the peer's CLOSE shows that it worked. Settles within 3 s and never rejects.
 */
export async function endRemote(session: Session, host: SessionHost): Promise<RemoteEnd> {
  const end = withoutEnding(session, host) ?? (await new Ladder(session, host).climb())
  // The connection may have ended meanwhile, and the request with it.
  return session.startup.delivery === 'not-sent' ? notStarted : end
}

/** What became of it where there is nothing to end. */
function withoutEnding(session: Session, { port }: SessionHost): RemoteEnd | undefined {
  if (session.exit !== undefined) return byItself
  if (session.startup.delivery === 'not-sent') return notStarted
  if (port.cause !== undefined) return unknown
  if (!session.isClosed) return undefined
  return session.startup.stage === 'running' ? state('exited', 'none', 'the server had closed its session') : unanswered
}

/**
 * Whether the process group is signalled through a second session: at once, once signals had no effect, or not. Where it
 * may, a forced command would run once more in place of what we ask for: sshd says of a key that it forces one, and
 * signals that have no effect although it passes them on tell of one in its configuration; other servers say nothing.
 */
type SecondWay = 'now' | 'later' | 'no'

type SignalWay = Extract<CommandEnding['by'], 'signal' | 'process-group'>

/** The steps by which one command is ended, each only where the one before had no effect. */
class Ladder {
  readonly #session: Session
  readonly #host: SessionHost
  readonly #startedAt: number
  readonly #reach: SignalReach
  readonly #secondWay: SecondWay
  /** By which way a signal may have reached it last. */
  #signalledBy: SignalWay | undefined
  /** Why it may go on, if it does. */
  #obstacle = 'neither TERM nor KILL had an effect'

  constructor(session: Session, host: SessionHost) {
    const { port, username } = host
    const isForced = port.remarks.forcesCommand
    const peer = port.negotiated?.peer ?? ''
    this.#session = session
    this.#host = host
    this.#startedAt = port.now()
    this.#reach = signalReach({ peer, username, isForced, program: session.program.type })
    this.#secondWay = secondWay(session, this.#reach, isForced)
    this.#signalledBy = this.#reach.kind === 'drops' ? undefined : 'signal'
    if (this.#reach.kind === 'drops') this.#obstacle = this.#reach.because
    else if (this.#reach.kind === 'passes')
      this.#obstacle += `, as where sshd_config forces a command (${forcedAdvice})`
  }

  async climb(): Promise<RemoteEnd> {
    this.#session.signal('TERM')
    return (
      (await this.#term()) ??
      (await this.#endOfInput()) ??
      (await this.#processGroup()) ??
      (await this.#kill()) ??
      this.#close()
    )
  }

  async #term(): Promise<RemoteEnd | undefined> {
    const patienceMs = { now: 0, later: effectMs, no: this.#reach.kind === 'drops' ? noticeMs : killAtMs }
    const ended = await this.#endedBy(patienceMs[this.#secondWay])
    return ended ? this.#bySignalOrItself() : undefined
  }

  /** A subsystem serves its input, and ends with it unless it is stuck: that goes before a second session. */
  async #endOfInput(): Promise<RemoteEnd | undefined> {
    if (!this.#endsWithItsInput) return undefined
    void this.#session.close()
    return (await this.#endedBy(effectMs)) ? byClosing : undefined
  }

  async #processGroup(): Promise<RemoteEnd | undefined> {
    if (this.#secondWay === 'no') return undefined
    const end = await endProcessGroup(this.#session, this.#host, this.#startedAt + groupUntilMs)
    if (end.kind === 'exited') return this.#bySignalOrItself()
    if (end.kind === 'held') return this.#held('process-group')
    if (end.kind === 'ended') return this.#ended('process-group', '', end.restKilled)
    const { problem } = end
    if (end.wasSignalled) this.#signalledBy = 'process-group'
    this.#obstacle = this.#reach.kind === 'drops' ? `${this.#reach.because}, and ${problem}` : problem
    return undefined
  }

  async #kill(): Promise<RemoteEnd | undefined> {
    if (this.#reach.kind === 'drops') return undefined
    if (await this.#endedBy(killAtMs)) return this.#bySignal()
    this.#session.signal('KILL')
    return (await this.#endedBy(closeAtMs)) ? this.#bySignal() : undefined
  }

  /** Its input ends, and its terminal hangs up if it has one. */
  async #close(): Promise<RemoteEnd> {
    void this.#session.close()
    const ended = await this.#endedBy(abandonAtMs)
    if (this.#host.port.cause !== undefined) return unknown
    if (ended && this.#session.exit?.exitCode === 0)
      return this.#endsWithItsInput ? byClosing : inItsOwnWay('its channel was closed')
    if (ended && this.#signalledBy === 'signal' && this.#showsSignal) return this.#bySignal()
    if (ended && this.#signalledBy === 'process-group' && this.#showsSignal) return this.#byGroup()
    if (ended && this.#closeProves) return byClosing
    return state('abandoned', 'none', `it may still be running: ${this.#obstacle}`)
  }

  /** However late: a server that gets no signal goes on until its input ends, and then says that all went well. */
  get #endsWithItsInput(): boolean {
    return this.#session.program.type === 'subsystem' && this.#reach.kind === 'drops'
  }

  async #byGroup(): Promise<RemoteEnd> {
    return (await this.#session.endWaits.over(0)) ? this.#ended('process-group') : this.#held('process-group')
  }

  /** Where signals are dropped, none of ours has ended it. */
  async #bySignalOrItself(): Promise<RemoteEnd> {
    return this.#reach.kind === 'drops' ? byItself : this.#bySignal()
  }

  /**
   * sshd signals the whole process group, but nothing any more once its first process has ended; dropbear signals that
   * one alone, and of others nothing is known. What else there is has the time that TERM gives.
   */
  async #bySignal(): Promise<RemoteEnd> {
    const { port } = this.#host
    const sinceMs = port.now() - this.#startedAt
    const patienceMs = Math.min(Math.max(outputMs, killAtMs - sinceMs), abandonAtMs - sinceMs)
    if (!(await this.#session.endWaits.over(patienceMs)))
      return port.cause === undefined ? this.#held('signal') : unknown
    if (this.#session.exit?.exitCode === 0) return inItsOwnWay('TERM asked it to')
    if (signalsGroup(port.negotiated?.peer ?? '')) return this.#ended('signal')
    if (isAlone(this.#session.program))
      return this.#ended('signal', ', which may have reached no other process that it had started')
    const detail = `its shell ${this.#was('signal')}, which may have reached nothing that it had started`
    return state('abandoned', 'signal', detail)
  }

  #ended(by: SignalWay, remark = '', restKilled = false): RemoteEnd {
    if (restKilled) return state('killed', by, `its shell ${this.#was(by)}, and what it had started by KILL`)
    return state(this.#wasKilled ? 'killed' : 'terminated', by, `it ${this.#was(by)}${remark}`)
  }

  /** Of its parts, some run on. */
  #held(by: SignalWay): RemoteEnd {
    const detail = `its shell ${this.#was(by)}, but something still holds its output open`
    return { ...state('abandoned', by, detail), outputOpen: true }
  }

  #was(by: SignalWay): string {
    const way = by === 'signal' ? 'through the signal request' : 'to its process group, from a second session'
    return `was ended by ${this.#wasKilled ? 'KILL' : 'TERM'} ${way}`
  }

  /** A shell that waits for the one that was killed says it by its exit code. */
  get #wasKilled(): boolean {
    const { exit } = this.#session
    return exit?.signal === 'SIGKILL' || exit?.exitCode === 128 + 9
  }

  /** Whether TERM or KILL shows in what the server said, however late: the channel was closed meanwhile. */
  get #showsSignal(): boolean {
    return this.#wasKilled || this.#session.exit?.signal === 'SIGTERM'
  }

  /** sshd answers CLOSE when the program has ended; others may answer at once. */
  get #closeProves(): boolean {
    return this.#session.exit !== undefined || this.#isSshd
  }

  get #isSshd(): boolean {
    return openSshVersion(this.#host.port.negotiated?.peer ?? '') !== undefined
  }

  #endedBy(afterMs: number): Promise<boolean> {
    return this.#session.endWaits.ended(this.#startedAt + afterMs - this.#host.port.now())
  }
}

/** A command without any syntax of a shell, which takes the place of its shell: bash, dash, zsh and ash do so. */
function isAlone(program: Program): boolean {
  return program.type === 'exec' && /^[\w./][\w./:=@%+, -]*$/.test(program.command)
}

function secondWay({ settings, program }: Session, reach: SignalReach, isForced: boolean): SecondWay {
  const { secondSession } = settings
  if (secondSession === 'never') return 'no'
  // That signals have no effect on a subsystem tells nothing of a command that sshd_config forces.
  const mayBeForced = isForced || reach.kind !== 'drops' || program.type === 'subsystem'
  if (secondSession === 'auto' && mayBeForced) return 'no'
  return reach.kind === 'drops' ? 'now' : 'later'
}

const notStarted = state('not-started', 'none', 'it was not started')
const byItself = state('exited', 'none', 'it had ended by itself')
const byClosing = state('terminated', 'close', 'it ended when its channel was closed')
const unanswered = state('unknown', 'none', 'the server may have started it: it closed the session without an answer')
const unknown = state('unknown', 'none', 'what became of it is not known: the connection ended')

/** It may have done all that it was to do. */
function inItsOwnWay(reason: string): RemoteEnd {
  return state('exited', 'none', `it ended with exit code 0, by itself or because ${reason}`)
}

function state(remote: RemoteState, by: CommandEnding['by'], detail: string): RemoteEnd {
  return { remote, ending: { by, detail }, outputOpen: false }
}
