import type { Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import type { ChannelHost } from './channel-host.js'
import type { ChannelPort } from './channel-port.js'
import { noResponse } from './errors.js'

type Done = (error?: Error | null) => void

/** What a program writes to the stream of a channel, until the channel has sent it. */
export class ChannelWrites {
  readonly #host: ChannelHost
  readonly #stream: Writable
  readonly #failed: () => void
  #done: Done | undefined
  #handedOver = 0
  #flushing: Wait<void> | undefined

  /** @param failed told once the program knows of something that it was not taken */
  constructor(host: ChannelHost, stream: Writable, failed: () => void) {
    this.#host = host
    this.#stream = stream
    this.#failed = failed
  }

  /** Bytes that the channel has not been given yet. */
  get waitingBytes(): number {
    return this.#stream.writableLength - this.#handedOver
  }

  write(channel: ChannelPort | undefined, data: Buffer, done: Done): void {
    this.#done = done
    if (channel === undefined || !channel.isOpen) {
      this.fail()
      return
    }
    this.#handedOver = data.length
    let isSent = false
    let isLater = false
    channel.write(data, () => {
      isSent = true
      // Later, since it runs callbacks and `drain` listeners of the program, and this runs while packets are handled.
      if (isLater) queueMicrotask(() => this.#finish())
    })
    isLater = true
    // As ssh2, so that `write()` says the same; Node calls the program later by itself.
    if (isSent) this.#finish()
  }

  /** What nobody takes any more. ssh2 never calls back; an error here reaches who gave a callback, and ends no program. */
  fail(cause?: HoldfastError): void {
    this.stalled()
    if (this.#done === undefined) return
    const failed = cause ?? new HoldfastError('ERR_SSH_CHANNEL_CLOSED', 'the channel was closed before it took all')
    // What had come is read first: an error that Node knows of keeps `end` from being told.
    setImmediate(() => this.#finish(noResponse(failed)))
  }

  /** The far side takes nothing at present: who waits for it to take the rest waits no longer. */
  stalled(): void {
    this.#flushing?.resolve()
  }

  /** Resolves once all was sent, or cannot be, or the limit of a channel's close has passed. @returns undefined where all was */
  flushed(channel: ChannelPort | undefined): Promise<void> | undefined {
    if (this.#stream.writableLength === 0 || channel?.sendWindow === 0) return undefined
    const { waits, closeLimitMs: limitMs } = this.#host
    const what = 'the end of what was written to the channel'
    const wait = { limit: 'channelClose', limitMs, clock: 'call', phase: 'close', what, isAwaited: false } as const
    this.#flushing = waits.start<void>(wait)
    return this.#flushing.promise.catch(() => {})
  }

  #finish(error?: Error): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    this.#handedOver = 0
    this.#host.guard(() => done(error))
    if (error !== undefined) this.#failed()
    if (this.#stream.writableLength === 0) this.#flushing?.resolve()
  }
}
