import type { Channel } from '../connection/channel.js'
import { HoldfastError } from '../errors.js'
import { Cancel } from '../liveness/cancel.js'
import { encodePtyRequest } from '../wire/session-messages.js'
import { prepare } from './preparation.js'
import { startData } from './program.js'
import type { Session, SessionOptions } from './session.js'

/** How far the server has got with starting it, as far as we know. */
export type Stage = 'opening' | 'requested' | 'running' | 'refused'

/** The start of a session (RFC 4254 section 6): its channel, its terminal and variables, and its program. */
export class Start {
  /** Variables that the server would not set. */
  readonly refusedEnv: string[] = []
  readonly #session: Session
  readonly #options: SessionOptions
  /** Ends the steps when nobody waits for them any more. */
  readonly #steps = new Cancel()
  #stage: Stage = 'opening'
  /** Whether the request for the program was handed to the stream. */
  #isHandedOut = false

  constructor(session: Session, options: SessionOptions) {
    this.#session = session
    this.#options = options
  }

  get stage(): Stage {
    return this.#stage
  }

  get isHandedOut(): boolean {
    return this.#isHandedOut
  }

  /** Resolves once the server has accepted the program. @throws what any of the steps failed for, or that `stop()` was called */
  async run(): Promise<void> {
    const { settings, host, program, origin } = this.#options
    const signal = this.#steps
    const channel = await this.#open()
    // Where it was given up meanwhile, nothing has been asked for, and nothing is.
    signal.throwIfAborted()
    const prepared = this.#prepare(channel)
    // Without the terminal that was asked for, the program would be another one.
    if (settings.pty !== undefined) await channel.request('pty-req', encodePtyRequest(settings.pty), { signal, origin })
    signal.throwIfAborted()
    // On a channel that has ended already, nothing is asked for.
    if (channel.isOpen) {
      this.#stage = 'requested'
      host.runs.started(this.#session)
    }
    const handedOut = () => {
      this.#isHandedOut = true
    }
    const accepted = channel.request(program.type, startData(program), { signal, origin, handedOut })
    this.#session.input.open()
    await accepted
    this.#stage = 'running'
    if (prepared !== undefined) await prepared
  }

  /** It did not succeed. */
  failed(error: unknown): void {
    if (!(error instanceof HoldfastError) || error.code !== 'ERR_SSH_REQUEST_REFUSED') return
    this.#stage = 'refused'
    this.#options.host.runs.ended(this.#session)
  }

  /** Nothing of it is waited for any more. */
  stop(): void {
    this.#steps.abort()
  }

  /** @returns undefined where there is nothing to prepare */
  #prepare(channel: Channel): Promise<void> | undefined {
    const { settings, host } = this.#options
    if (settings.env.length === 0 && !settings.forwardAgent) return undefined
    const refusedEnv = (name: string) => this.refusedEnv.push(name)
    return prepare(channel, { settings, agent: host.agent, signal: this.#steps, refusedEnv })
  }

  #open(): Promise<Channel> {
    const { host, place, settings, origin } = this.#options
    const { places, openLimit } = host
    const signal = this.#steps
    if (place === 'now') return places.tryOpen(this.#session, { signal, origin })
    const limitMs = settings.limits.timeout === false ? openLimit : false
    return places.open(this.#session, { signal, origin, limitMs })
  }
}
