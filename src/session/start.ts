import type { Channel, ChannelSink } from '../connection/channel.js'
import { HoldfastError } from '../errors.js'
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
  readonly #attach: (channel: Channel) => ChannelSink
  /** Ends the steps when nobody waits for them any more. */
  readonly #steps = new AbortController()
  #stage: Stage = 'opening'
  /** Whether the request for the program was handed to the stream. */
  #isHandedOut = false

  /** @param attach called with the channel before the first message for it is handled */
  constructor(session: Session, options: SessionOptions, attach: (channel: Channel) => ChannelSink) {
    this.#session = session
    this.#options = options
    this.#attach = attach
  }

  get stage(): Stage {
    return this.#stage
  }

  get isHandedOut(): boolean {
    return this.#isHandedOut
  }

  /** Resolves once the server has accepted the program. @throws what any of the steps failed for, or that `stop()` was called */
  async run(): Promise<void> {
    try {
      await this.#run()
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'ERR_SSH_REQUEST_REFUSED') this.#refused()
      throw error
    }
  }

  /** Nothing of it is waited for any more. */
  stop(): void {
    this.#steps.abort()
  }

  async #run(): Promise<void> {
    const { settings, runs, program, agent } = this.#options
    const { signal } = this.#steps
    const channel = await this.#open(signal)
    // Where it was given up meanwhile, nothing has been asked for, and nothing is.
    signal.throwIfAborted()
    const refusedEnv = (name: string) => this.refusedEnv.push(name)
    const prepared = prepare(channel, { settings, agent, signal, refusedEnv })
    // Without the terminal that was asked for, the program would be another one.
    if (settings.pty !== undefined) await channel.request('pty-req', encodePtyRequest(settings.pty), { signal })
    signal.throwIfAborted()
    // On a channel that has ended already, nothing is asked for.
    if (channel.isOpen) {
      this.#stage = 'requested'
      runs.started(this.#session)
    }
    const handedOut = () => {
      this.#isHandedOut = true
    }
    const accepted = channel.request(program.type, startData(program), { signal, handedOut })
    this.#session.stdin.open()
    await accepted
    this.#stage = 'running'
    await prepared
  }

  #refused(): void {
    this.#stage = 'refused'
    this.#options.runs.ended(this.#session)
  }

  #open(signal: AbortSignal): Promise<Channel> {
    const { places, place, openLimit, settings } = this.#options
    if (place === 'now') return places.tryOpen(this.#session, this.#attach, signal)
    const limitMs = settings.limits.timeout === false ? openLimit : false
    return places.open(this.#session, this.#attach, { signal, limitMs })
  }
}
