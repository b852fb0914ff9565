import { HoldfastError } from '../errors.js'
import { messageNumber } from '../wire/numbers.js'
import { printable } from '../wire/printable.js'
import {
  type Disconnect,
  decodeDebug,
  decodeDisconnect,
  decodeExtInfo,
  decodeIgnore,
  decodePing,
  decodePong,
  decodeServerSigAlgs,
  decodeUnimplemented,
  type Extensions,
  encodePong,
  encodeUnimplemented,
} from '../wire/transport-messages.js'

/** What the layers above hear of these messages. */
export interface GenericMessagesSink {
  pong(data: Buffer): void
  /** What the peer says of itself for whoever debugs it (DEBUG). */
  remark(text: string): void
  /** The peer did not know the message that we sent as this packet, under the present keys. */
  unimplemented(sequence: number): void
  /** The connection is to end. Whatever is no HoldfastError went wrong in this process. */
  failed(error: unknown): void
}

interface GenericMessagesPort {
  readonly sink: GenericMessagesSink
  /** Sends what the peer asked for. */
  reply(payload: Buffer): void
}

/** The messages of the transport that are not about keys: what they tell of the peer, and what it gets for an answer. */
export class GenericMessages {
  readonly #port: GenericMessagesPort
  /** Whether the peer said by EXT_INFO (RFC 8308) that it answers PING. */
  answersPings = false
  /** With what words the peer said goodbye. */
  farewell: Disconnect | undefined
  #serverSigAlgs: Buffer | undefined
  #isLoggedIn = false

  constructor(port: GenericMessagesPort) {
    this.#port = port
  }

  /**
   * The signature algorithms that the peer takes, if it said so (RFC 8308 section 3.1), until the user is authenticated.
   * @throws HoldfastError ERR_SSH_PROTOCOL when they are no name-list
   */
  serverSigAlgs(): readonly string[] | undefined {
    return this.#serverSigAlgs && decodeServerSigAlgs(this.#serverSigAlgs)
  }

  /** The user was authenticated. */
  loggedIn(): void {
    this.#isLoggedIn = true
    this.#serverSigAlgs = undefined
  }

  receive(number: number, payload: Buffer, sequence: number): void {
    switch (number) {
      case messageNumber.DISCONNECT:
        this.#disconnected(payload)
        return
      case messageNumber.IGNORE:
        decodeIgnore(payload)
        return
      case messageNumber.UNIMPLEMENTED:
        this.#port.sink.unimplemented(decodeUnimplemented(payload))
        return
      case messageNumber.DEBUG:
        this.#port.sink.remark(decodeDebug(payload).message)
        return
      case messageNumber.EXT_INFO:
        this.#learn(decodeExtInfo(payload))
        return
      case messageNumber.PING:
        this.#port.reply(encodePong(decodePing(payload)))
        return
      case messageNumber.PONG:
        this.#port.sink.pong(decodePong(payload))
        return
      default:
        this.#port.reply(encodeUnimplemented(sequence))
    }
  }

  /** A later EXT_INFO replaces the earlier one whole (RFC 8308 section 2.4). */
  #learn(extensions: Extensions): void {
    this.answersPings = extensions.has('ping@openssh.com')
    this.#serverSigAlgs = this.#isLoggedIn ? undefined : extensions.get('server-sig-algs')
  }

  #disconnected(payload: Buffer): void {
    this.farewell = decodeDisconnect(payload)
    const { reason, description } = this.farewell
    const words = printable(description)
    const message = `the peer ended the connection: ${words === '' ? `reason ${reason}` : `${words} (reason ${reason})`}`
    this.#port.sink.failed(new HoldfastError('ERR_SSH_DISCONNECTED', message, { disconnectReason: reason }))
  }
}
