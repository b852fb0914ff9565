import type { Channel, ChannelSink } from '../connection/channel.js'
import { ChannelOpenError } from '../connection/openings.js'
import type { Cancel } from '../liveness/cancel.js'
import type { Wait } from '../liveness/waits.js'
import { SessionsAhead } from './ahead.js'
import type { SessionPort } from './port.js'

/** Who has a place. */
export interface Tenant {
  /** What it is, for a person. */
  readonly name: string
  /** Whether nobody waits for it any more although it may still run. */
  readonly isAbandoned: boolean
  /** Called with its channel before the first message for it is handled. */
  attach(channel: Channel): ChannelSink
  /** Called when it begins to wait for a place. */
  waitsForPlace(): void
  /** The server holds nothing for it any more. */
  gone(): void
}

export interface AttemptOptions {
  readonly signal: Cancel
  /** See `WaitOptions`. */
  readonly origin: Error
}

export interface PlaceOptions extends AttemptOptions {
  /** How long to wait for a free place, in milliseconds; false where another limit ends the call. */
  readonly limitMs: number | false
}

/** A call that waits for a session of ours to end. */
interface Turn {
  readonly call: number
  readonly wait: Wait<void>
}

/** A server forgets a session a moment after its CLOSE, which our next CHANNEL_OPEN may outrun. */
const lingerMs = 1000

const none = Buffer.alloc(0)

const placeWait = {
  limit: 'channelOpen',
  clock: 'peer',
  phase: 'channelOpen',
  what: 'a place for one more session (the server refuses it while others are open)',
} as const

/**
 * The sessions that a server lets one connection have at once (sshd: MaxSessions). Nobody tells us how many, so one that
 * is refused while others of ours are open waits for one of them to end, first come, first served.
 */
export class Places {
  readonly #port: SessionPort
  readonly #ahead: SessionsAhead | undefined
  readonly #taken = new Map<Channel, Tenant>()
  /** In the order of the calls. */
  readonly #waiting: Turn[] = []
  #calls = 0
  /** How many sessions have ended, and when the last one did. */
  #gone = 0
  #goneAt = Number.NEGATIVE_INFINITY

  /** @param ahead how many sessions are to be open before they are asked for */
  constructor(port: SessionPort, ahead: number) {
    this.#port = port
    this.#ahead = ahead > 0 ? new SessionsAhead(port, ahead) : undefined
    port.onChannelGone((channel) => this.#channelGone(channel))
  }

  /** How many sessions the server holds for us, those that we gave up included. */
  get taken(): number {
    return this.#taken.size
  }

  /** Commands that may still run although we gave them up: each keeps its place. */
  get abandoned(): readonly string[] {
    return [...this.#taken.values()].filter((tenant) => tenant.isAbandoned).map(({ name }) => name)
  }

  /** How many calls wait for a place. */
  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Opens a session, now or as soon as there is a place for it.
   * @throws ChannelOpenError when it is refused although no other session is open; HoldfastError ERR_SSH_TIMEOUT (limit
   * `channelOpen`), ERR_SSH_ABORTED
   */
  async open(tenant: Tenant, options: PlaceOptions): Promise<Channel> {
    const call = this.#calls++
    const limitMs = options.limitMs === false ? Number.POSITIVE_INFINITY : options.limitMs
    let clock = this.#waiting.length > 0 ? this.#startClock(options) : undefined
    try {
      if (clock !== undefined) await this.#turn(call, tenant, options, clock.spentMs)
      for (let triedAgainAfter = 0; ; ) {
        const gone = this.#gone
        let refused: ChannelOpenError
        try {
          return await this.tryOpen(tenant, options)
        } catch (error) {
          if (!(error instanceof ChannelOpenError)) {
            // Its caller gave up. The server may open it all the same, and closes it then: a place for the next.
            this.#left()
            throw error
          }
          refused = error
        }
        clock ??= this.#startClock(options)
        // Sessions of ours that keep ending must not keep a call trying for ever.
        if (clock.spentMs >= limitMs) await this.#startPatience(tenant, options, clock.spentMs).promise
        // Refused while another of ours was open, which has ended since: that says nothing of now.
        if (this.#gone > gone) continue
        const mayLinger = this.#port.now() - this.#goneAt < lingerMs && this.#gone > triedAgainAfter
        triedAgainAfter = this.#gone
        if (mayLinger) continue
        if (this.#taken.size === 0) throw refused
        await this.#turn(call, tenant, options, clock.spentMs)
      }
    } finally {
      clock?.resolve()
    }
  }

  /** Opens what is to be there before it is asked for. */
  openAhead(): void {
    this.#ahead?.replenish()
  }

  /** Opens a session if there is a place for it now. @throws as `open` */
  tryOpen(tenant: Tenant, { signal, origin }: AttemptOptions): Promise<Channel> {
    // At once: CLOSE may come before the caller hears of the channel, and what is noted after that is noted for ever.
    const take = (channel: Channel) => {
      this.#taken.set(channel, tenant)
      return tenant.attach(channel)
    }
    const options = { signal, origin }
    return this.#ahead?.open(take, options) ?? this.#port.open('session', none, take, options)
  }

  /** Tells how long a call has waited for a place in all, from its first refusal on. It ends nothing. */
  #startClock({ origin }: PlaceOptions): Wait<void> {
    return this.#port.waits.start<void>({ ...placeWait, origin, limitMs: false })
  }

  /** The rest of the limit. Not while an attempt is out, which has a limit of its own and may still succeed. */
  #startPatience(tenant: Tenant, { limitMs, signal, origin }: PlaceOptions, spentMs: number): Wait<void> {
    tenant.waitsForPlace()
    return this.#port.waits.start<void>({ ...placeWait, limitMs, signal, origin, spentMs })
  }

  /** Waits for a session to end. */
  async #turn(call: number, tenant: Tenant, options: PlaceOptions, spentMs: number): Promise<void> {
    const wait = this.#startPatience(tenant, options, spentMs)
    const turn = { call, wait }
    const later = this.#waiting.findIndex((other) => other.call > call)
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, turn)
    try {
      await wait.promise
    } finally {
      const index = this.#waiting.indexOf(turn)
      if (index !== -1) this.#waiting.splice(index, 1)
    }
  }

  #channelGone(channel: Channel): void {
    const tenant = this.#taken.get(channel)
    if (tenant === undefined) return
    this.#taken.delete(channel)
    tenant.gone()
    this.#left()
  }

  #left(): void {
    this.#gone++
    this.#goneAt = this.#port.now()
    this.#waiting.find(({ wait }) => wait.pending)?.wait.resolve()
  }
}
