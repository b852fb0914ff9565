import { type ErrorDetails, HoldfastError } from '../errors.js'
import type { Transport } from '../kex/transport.js'
import type { Cancel } from '../liveness/cancel.js'
import type { Waits } from '../liveness/waits.js'
import { oversizeError } from '../transport/packet-size.js'
import { encodeChannelOpen } from '../wire/connection-messages.js'
import { printable } from '../wire/printable.js'
import type { Channel, ChannelSink } from './channel.js'

/** What we take in one packet: what OpenSSH and dropbear take too. */
export const maxPacket = 32 * 1024

export interface OpenOptions {
  readonly signal?: AbortSignal | Cancel | undefined
  /** See `WaitOptions`. */
  readonly origin?: Error | undefined
  readonly limitMs?: number | false
  /** Whether a caller waits for it, under whom the process must not end. @default true */
  readonly isAwaited?: boolean
}

export interface OpeningsPort {
  readonly waits: Waits
  readonly limits: Readonly<Record<'channelOpen', number>>
  /** What we let the peer send on a channel before its consumer took any of it. */
  readonly window: number
  readonly transport: Pick<Transport, 'send'>
  now(): number
}

/** A CHANNEL_OPEN of ours that the peer has not answered. */
export interface Opening {
  readonly type: string
  readonly sentAt: number
  confirmed(channel: Channel): void
  refused(reason: number, description: string): void
}

/** The channels that we asked for, until the peer answers; and the numbers that all channels of ours have. */
export class Openings {
  readonly #port: OpeningsPort
  /** By the number that each channel will have. */
  #pending: Map<number, Opening> | undefined
  #nextId = 0

  constructor(port: OpeningsPort) {
    this.#port = port
  }

  /** A number that no channel had: numbers are not used again, so a late message never reaches the wrong one. */
  takeId(): number {
    return this.#nextId++
  }

  wasUsed(id: number): boolean {
    return id < this.#nextId
  }

  has(id: number): boolean {
    return this.#pending?.has(id) ?? false
  }

  take(id: number): Opening | undefined {
    const opening = this.#pending?.get(id)
    this.#pending?.delete(id)
    return opening
  }

  /**
   * Opens a channel.
   * @param makeSink called before the first message for the channel is handled
   * @throws ChannelOpenError, HoldfastError ERR_SSH_TIMEOUT (limit `channelOpen`), ERR_SSH_ABORTED
   */
  open(
    type: string,
    data: Buffer,
    makeSink: (channel: Channel) => ChannelSink,
    options: OpenOptions = {},
  ): Promise<Channel> {
    const wait = this.#port.waits.start<Channel>({
      limit: 'channelOpen',
      limitMs: options.limitMs ?? this.#port.limits.channelOpen,
      clock: 'reply',
      phase: 'channelOpen',
      what: `the answer to the opening of a ${type} channel`,
      signal: options.signal,
      origin: options.origin,
      isAwaited: options.isAwaited ?? true,
    })
    if (!wait.pending) return wait.promise
    const confirmed = (channel: Channel) => {
      // Its caller gave up: the peer is told, and the number stays taken until its CLOSE comes.
      if (!wait.pending) channel.beginClose()
      else {
        channel.attach(makeSink(channel))
        wait.resolve(channel)
      }
    }
    const refused = (reason: number, text: string) => wait.reject(new ChannelOpenError(type, reason, text))
    const problem = this.#send(data, { type, sentAt: this.#port.now(), confirmed, refused }, () => wait.sent())
    if (problem !== undefined) wait.reject(problem)
    return wait.promise
  }

  /** Asks for a channel of a type that nobody has, which the peer must refuse (RFC 4254 section 5.1). */
  probe(answered: () => void, taken: (() => void) | undefined): void {
    const confirmed = (channel: Channel) => {
      channel.beginClose()
      answered()
    }
    const opening = { type: 'keepalive@holdfast', sentAt: this.#port.now(), confirmed, refused: answered }
    this.#send(Buffer.alloc(0), opening, taken)
  }

  /** @returns what is wrong with it; nothing was sent then */
  #send(data: Buffer, opening: Opening, taken?: () => void): HoldfastError | undefined {
    const { type } = opening
    const sender = this.takeId()
    const payload = encodeChannelOpen({ type, sender, window: this.#port.window, maxPacket, data })
    const problem = oversizeError(payload)
    if (problem !== undefined) return problem
    this.#pending ??= new Map()
    this.#pending.set(sender, opening)
    this.#port.transport.send(payload, taken)
    return undefined
  }
}

/** RFC 4254 section 5.1. */
const reasons = new Map([
  [1, 'administratively prohibited'],
  [2, 'connect failed'],
  [3, 'unknown channel type'],
  [4, 'resource shortage'],
])

/** The peer refused to open a channel; `reason` is its number (RFC 4254 section 5.1). */
export class ChannelOpenError extends HoldfastError {
  readonly reason: number
  /** What the peer says of it. */
  readonly description: string

  constructor(type: string, reason: number, description: string, details: ErrorDetails = {}) {
    const name = reasons.get(reason) ?? `reason ${reason}`
    const words = printable(description)
    const text = words === '' ? name : `${name}: ${words}`
    super('ERR_SSH_CHANNEL_OPEN', `the peer refused to open a ${type} channel: ${text}`, {
      phase: 'channelOpen',
      ...details,
    })
    this.reason = reason
    this.description = words
  }
}
