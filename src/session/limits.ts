import { HoldfastError } from '../errors.js'
import type { CommandLimit, CommandLimits } from './options.js'
import type { SessionPort } from './port.js'
import { QuietLimit } from './quiet-limit.js'

export interface LimitedSession {
  /** Whether the peer may send nothing because our side does not read. */
  readonly isHeldUp: boolean
  /** Whether input waits for the command to read. */
  readonly isInputStuck: boolean
  fail(error: HoldfastError): void
}

/** @returns undefined where a command has none of these limits, as most have not */
export function progressLimits(
  port: SessionPort,
  limits: CommandLimits,
  session: LimitedSession,
): ProgressLimits | undefined {
  const { idleTimeout, firstByteTimeout, stdinStall } = limits
  if (idleTimeout === false && firstByteTimeout === false && stdinStall === false) return undefined
  return new ProgressLimits(port, limits, session)
}

/** The limits of a command that look at what it does; `timeout`, which does not, is the wait for its end itself. */
export class ProgressLimits {
  readonly #port: SessionPort
  readonly #session: LimitedSession
  readonly #idle: QuietLimit | undefined
  readonly #firstByte: QuietLimit | undefined
  readonly #stdinStall: QuietLimit | undefined

  constructor(port: SessionPort, limits: CommandLimits, session: LimitedSession) {
    this.#port = port
    this.#session = session
    this.#idle = this.#start('idleTimeout', limits, () => session.isHeldUp)
    this.#firstByte = this.#start('firstByteTimeout', limits, () => false)
    this.#stdinStall = this.#start('stdinStall', limits, () => !session.isInputStuck)
  }

  outputCame(): void {
    this.#firstByte?.stop()
    this.#idle?.touch()
  }

  /** Anything else of this channel that shows the command at work: EOF, its status, a window that opens. */
  progressed(): void {
    this.#idle?.touch()
  }

  /** The program took output that had waited for it: the peer may send again only from now on. */
  outputTaken(): void {
    this.#idle?.touch()
  }

  /** Some input went out, or began to wait for the command to read. */
  stdinMoved(): void {
    this.#stdinStall?.touch()
  }

  stop(): void {
    for (const limit of [this.#idle, this.#firstByte, this.#stdinStall]) limit?.stop()
  }

  #start(name: keyof typeof texts, limits: CommandLimits, excused: () => boolean): QuietLimit | undefined {
    const limitMs = limits[name]
    if (limitMs === false) return undefined
    return new QuietLimit({
      port: this.#port,
      limit: name,
      limitMs,
      clock: 'peer',
      excused,
      expired: () => this.#session.fail(limitError(name, limitMs, this.#port)),
    })
  }
}

const texts = {
  idleTimeout: 'nothing came of the command for as long as its limit idleTimeout allows',
  firstByteTimeout: 'the command wrote nothing within its limit firstByteTimeout',
  stdinStall: 'the command left its input unread for as long as its limit stdinStall allows',
} as const satisfies Partial<Record<CommandLimit, string>>

function limitError(limit: keyof typeof texts, limitMs: number, port: SessionPort): HoldfastError {
  const code = limit === 'stdinStall' ? 'ERR_SSH_STDIN_STALLED' : 'ERR_SSH_TIMEOUT'
  const details = { ...port.errorDetails(), phase: 'command', limit, limitMs } as const
  return new HoldfastError(code, `${texts[limit]} (${limitMs} ms)`, details)
}
