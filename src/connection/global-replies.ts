import type { Transport } from '../kex/transport.js'
import { encodeRequestFailure, encodeRequestSuccess } from '../wire/connection-messages.js'
import { Fifo } from './fifo.js'

/** The data of REQUEST_SUCCESS, or undefined for REQUEST_FAILURE. */
export type GlobalReply = Buffer | undefined

export interface GlobalRepliesPort {
  readonly transport: Pick<Transport, 'reply'>
  /** A reply that came later than its request could not be sent. */
  failed(error: unknown): void
}

interface Slot {
  payload: Buffer | undefined
}

/**
 * The replies that we owe the peer for its global requests: they carry no name, so they go out in the order of the requests
 * (RFC 4254 section 4), whichever is known first.
 */
export class GlobalReplies {
  readonly #port: GlobalRepliesPort
  readonly #owed = new Fifo<Slot>()

  constructor(port: GlobalRepliesPort) {
    this.#port = port
  }

  /** @param reply a promise that rejects is a refusal */
  owe(reply: GlobalReply | Promise<GlobalReply>): void {
    const slot: Slot = { payload: undefined }
    this.#owed.push(slot)
    if (reply instanceof Promise) void this.#oweLater(slot, reply)
    else this.#settle(slot, reply)
  }

  /** The connection is over. */
  drop(): void {
    this.#owed.clear()
  }

  async #oweLater(slot: Slot, reply: Promise<GlobalReply>): Promise<void> {
    const data = await reply.catch(() => undefined)
    try {
      this.#settle(slot, data)
    } catch (error) {
      this.#port.failed(error)
    }
  }

  #settle(slot: Slot, data: GlobalReply): void {
    slot.payload = data === undefined ? encodeRequestFailure() : encodeRequestSuccess(data)
    for (let payload = this.#owed.first?.payload; payload !== undefined; payload = this.#owed.first?.payload) {
      this.#owed.shift()
      this.#port.transport.reply(payload)
    }
  }
}
