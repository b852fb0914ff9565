import type { Channel } from '../connection/channel.js'
import { type Delivery, detailsOf, HoldfastError, takeFrames } from '../errors.js'
import { Cancel } from '../liveness/cancel.js'
import { encodePtyRequest } from '../wire/session-messages.js'
import { prepare } from './preparation.js'
import { describe, type Program, startData } from './program.js'
import type { Session, SessionOptions } from './session.js'

/** How far the server has got with starting it, as far as we know. */
export type Stage = 'opening' | 'requested' | 'running' | 'refused'

/** The start of a session (RFC 4254 section 6): its channel, its terminal and variables, and its program. */
export class Startup {
  /** Variables that the server would not set. */
  readonly refusedEnv: string[] = []
  readonly #session: Session
  readonly #options: SessionOptions
  /** Ends the steps when nobody waits for them any more. */
  readonly #steps = new Cancel()
  #stage: Stage = 'opening'
  /** Whether the request for the program was handed to the stream. */
  #isHandedOut = false
  /** Whether output came since the program was asked for. */
  #hasOutput = false

  constructor(session: Session, options: SessionOptions) {
    this.#session = session
    this.#options = options
  }

  get stage(): Stage {
    return this.#stage
  }

  /** Whether the server has run it. A request that waits here still goes out, unless the connection is lost. */
  get delivery(): Delivery {
    if (this.#stage === 'running') return 'ran'
    if (this.#stage !== 'requested') return 'not-sent'
    if (this.#session.exit !== undefined || this.#hasOutput) return 'ran'
    return this.#session.isLost && !this.#isHandedOut ? 'not-sent' : 'unknown'
  }

  /** Opens the channel and asks for the program; a failure fails the session. @returns whether the server accepted it */
  async run(): Promise<boolean> {
    const session = this.#session
    // Its signal had aborted, or the connection was over, before the call.
    if (!session.life.pending) return false
    try {
      const channel = await this.#open()
      // Where it was given up meanwhile, nothing has been asked for, and nothing is.
      this.#steps.throwIfAborted()
      this.#options.opened?.(channel)
      const prepared = this.#prepare(channel)
      const { pty } = this.#options.settings
      // Without the terminal that was asked for, the program would be another one.
      if (pty !== undefined) {
        await channel.request('pty-req', encodePtyRequest(pty), { signal: this.#steps, origin: this.#options.origin })
        this.#steps.throwIfAborted()
      }
      await this.#request(channel)
      this.#stage = 'running'
      if (prepared !== undefined) await prepared
      // It may be over already, which could have been a refusal until now.
      if (session.outcome !== undefined) session.life.resolve(session.outcome)
      return true
    } catch (error) {
      if (isRefusal(error)) this.#refused()
      session.fail(isRefusal(error) ? named(error, this.#options.program) : error)
      return false
    }
  }

  /** The program wrote something. */
  outputCame(): void {
    if (this.#stage === 'requested') this.#hasOutput = true
  }

  /** Nothing of it is waited for any more. */
  stop(): void {
    this.#steps.abort()
  }

  #open(): Promise<Channel> {
    const { host, place, settings, origin } = this.#options
    const { places, openLimit } = host
    const signal = this.#steps
    if (place === 'now') return places.tryOpen(this.#session, { signal, origin })
    const limitMs = settings.limits.timeout === false ? openLimit : false
    return places.open(this.#session, { signal, origin, limitMs })
  }

  /** @returns undefined where there is nothing to prepare */
  #prepare(channel: Channel): Promise<void> | undefined {
    const { settings, host } = this.#options
    if (settings.env.length === 0 && !settings.forwardAgent) return undefined
    const refusedEnv = (name: string) => this.refusedEnv.push(name)
    return prepare(channel, { settings, agent: host.agent, signal: this.#steps, refusedEnv })
  }

  /** Asks for the program. */
  #request(channel: Channel): Promise<void> {
    const { host, program, origin } = this.#options
    // On a channel that has ended already, nothing is asked for.
    if (channel.isOpen) {
      this.#stage = 'requested'
      host.runs.started(this.#session)
    }
    const handedOut = () => {
      this.#isHandedOut = true
    }
    const accepted = channel.request(program.type, startData(program), { signal: this.#steps, origin, handedOut })
    this.#session.input.open()
    return accepted
  }

  #refused(): void {
    this.#stage = 'refused'
    this.#options.host.runs.ended(this.#session)
  }
}

/** Which subsystem the server has not is what its administrator is to be told. */
function named(error: HoldfastError, program: Program): HoldfastError {
  if (program.type !== 'subsystem') return error
  const told = new HoldfastError(error.code, `${error.message}: ${describe(program)}`, detailsOf(error))
  takeFrames(told, error)
  return told
}

function isRefusal(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === 'ERR_SSH_REQUEST_REFUSED'
}
