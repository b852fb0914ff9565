import type { HoldfastError } from '../errors.js'
import { protocolError } from '../kex/exchange.js'
import type { Transport } from '../kex/transport.js'
import type { Waits } from '../liveness/waits.js'
import {
  type ChannelOpen,
  type ChannelOpenConfirmation,
  decodeBareChannelMessage,
  decodeChannelData,
  decodeChannelOpen,
  decodeChannelOpenConfirmation,
  decodeChannelOpenFailure,
  decodeChannelRequest,
  decodeExtendedData,
  decodeGlobalRequest,
  decodeWindowAdjust,
  encodeChannelOpen,
  encodeChannelOpenConfirmation,
  encodeChannelOpenFailure,
  encodeRequestFailure,
  encodeRequestSuccess,
} from '../wire/connection-messages.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import { Channel, type ChannelPort, type ChannelSink } from './channel.js'
import { GlobalRequests } from './global-requests.js'
import { ChannelOpenError, type Opening } from './opening.js'

/** How a channel that the peer opens is answered: taken, or refused with a reason of RFC 4254 section 5.1. */
export type OpenDecision =
  | { readonly accept: (channel: Channel) => ChannelSink }
  | { readonly refuse: number; readonly description: string }

/** What the peer may ask of us. */
export interface PeerHandlers {
  channelOpen(type: string, data: Buffer): OpenDecision
  /** @returns the data of REQUEST_SUCCESS, or undefined for REQUEST_FAILURE */
  globalRequest(name: string, data: Buffer, wantReply: boolean): Buffer | undefined
}

export interface MuxOptions {
  readonly waits: Waits
  readonly transport: Transport
  readonly handlers: PeerHandlers
  readonly limits: Readonly<Record<'channelOpen' | 'reply' | 'channelClose', number>>
  /** What we let the peer send on a channel before its consumer took any of it. */
  readonly window: number
  /** A message that can hold up a reply came; or one that proves that the peer heard us. */
  traffic(kind: 'any' | 'answer'): void
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
  readonly limitMs?: number | false
}

/** What we take in one packet: what OpenSSH and dropbear take too. */
const maxPacket = 32 * 1024
/** Data that was sealed and waits for the kernel holds up every reply behind it, so it is kept short. */
const maxUnsent = 256 * 1024
const none = Buffer.alloc(0)

/** The connection protocol (RFC 4254): channels side by side, and global requests in line, over one transport. */
export class Mux {
  readonly globalRequests: GlobalRequests
  readonly #options: MuxOptions
  readonly #port: ChannelPort
  readonly #channels = new Map<number, Channel>()
  readonly #openings = new Map<number, Opening>()
  readonly #sendable = new Set<Channel>()
  #nextId = 0
  #sentBytes = 0
  #coveredBytes = 0
  #channelGone: () => void = () => {}
  /** Answers that nobody asked for, and messages for channels that are gone: counted and dropped. */
  surplus = 0

  constructor(options: MuxOptions) {
    const { waits, transport, limits } = options
    this.#options = options
    this.globalRequests = new GlobalRequests({
      waits,
      replyLimit: limits.reply,
      send: (payload, taken) => transport.send(payload, taken),
      nextSequence: () => (transport.isOpen ? transport.outbound.sequence : undefined),
    })
    this.#port = {
      waits,
      limits,
      send: (payload, taken) => transport.send(payload, taken),
      reply: (payload) => transport.reply(payload),
      sendData: (head, data) => {
        this.#sentBytes += data.length
        transport.sendData(head, data)
      },
      wantsToSend: (channel) => {
        this.#sendable.add(channel)
        this.pump()
      },
      covered: (bytes) => {
        this.#coveredBytes += bytes
      },
      forget: (channel) => this.#forget(channel),
    }
  }

  get channels(): Iterable<Channel> {
    return this.#channels.values()
  }

  /** Channel data sent so far, and how much of it the peer's windows say was read. */
  get flow(): { readonly sentBytes: number; readonly coveredBytes: number } {
    return { sentBytes: this.#sentBytes, coveredBytes: this.#coveredBytes }
  }

  /** What the peer may still send on all channels together. */
  get grantedBytes(): number {
    let granted = 0
    for (const channel of this.#channels.values()) granted += channel.receiveWindow
    return granted
  }

  /** Calls back whenever a channel is gone for good, so that a refused session may try again. */
  onChannelGone(gone: () => void): void {
    this.#channelGone = gone
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
    const { waits, limits } = this.#options
    const wait = waits.start<Channel>({
      limit: 'channelOpen',
      limitMs: options.limitMs ?? limits.channelOpen,
      clock: 'reply',
      phase: 'channelOpen',
      what: `the answer to the opening of a ${type} channel`,
      signal: options.signal,
    })
    if (!wait.pending) return wait.promise
    const opening: Opening = {
      confirmed: (channel) => {
        if (!wait.pending) {
          // Its caller gave up: the peer is told, and the id is not used again before its CLOSE came.
          void channel.close()
          return
        }
        channel.attach(makeSink(channel))
        wait.resolve(channel)
      },
      refused: (reason, description) => wait.reject(new ChannelOpenError(type, reason, description)),
    }
    this.#sendOpen(type, data, opening, () => wait.sent())
    return wait.promise
  }

  /** Asks for a channel of a type that nobody has, which the peer must refuse (RFC 4254 section 5.1). */
  probe(answered: () => void, taken: () => void): void {
    const opening: Opening = {
      confirmed: (channel) => {
        void channel.close()
        answered()
      },
      refused: answered,
    }
    this.#sendOpen('keepalive@holdfast', none, opening, taken)
  }

  /** Sends data while the kernel takes it, one packet a channel in turn. */
  pump(): void {
    const { transport } = this.#options
    while (transport.isOpen && transport.unsentBytes < maxUnsent) {
      const [channel] = this.#sendable
      if (channel === undefined) return
      this.#sendable.delete(channel)
      if (channel.sendSome()) this.#sendable.add(channel)
    }
  }

  receive(payload: Buffer): void {
    const number = payload.readUInt8(0)
    this.#options.traffic(isAnswer(number) ? 'answer' : 'any')
    switch (number) {
      case messageNumber.CHANNEL_DATA: {
        const { recipient, data } = decodeChannelData(payload)
        this.#find(recipient, number)?.receiveData(data)
        return
      }
      case messageNumber.CHANNEL_WINDOW_ADJUST: {
        const { recipient, bytes } = decodeWindowAdjust(payload)
        this.#find(recipient, number)?.receiveAdjust(bytes)
        return
      }
      case messageNumber.CHANNEL_EXTENDED_DATA: {
        const { recipient, type, data } = decodeExtendedData(payload)
        this.#find(recipient, number)?.receiveExtendedData(type, data)
        return
      }
      case messageNumber.CHANNEL_EOF:
        this.#find(decodeBareChannelMessage('CHANNEL_EOF', payload), number)?.receiveEof()
        return
      case messageNumber.CHANNEL_CLOSE:
        this.#find(decodeBareChannelMessage('CHANNEL_CLOSE', payload), number)?.receiveClose()
        return
      case messageNumber.CHANNEL_REQUEST: {
        const { recipient, type, wantReply, data } = decodeChannelRequest(payload)
        this.#find(recipient, number)?.receiveRequest(type, data, wantReply)
        return
      }
      case messageNumber.CHANNEL_SUCCESS:
        this.#receiveReply('CHANNEL_SUCCESS', payload)
        return
      case messageNumber.CHANNEL_FAILURE:
        this.#receiveReply('CHANNEL_FAILURE', payload)
        return
      default:
        this.#receiveOpeningOrGlobal(number, payload)
    }
  }

  /** The connection is over: every channel is told, whatever the others do. */
  lose(cause: HoldfastError): readonly (() => void)[] {
    this.#sendable.clear()
    return [...this.#channels.values()].map((channel) => () => channel.lose(cause))
  }

  #receiveOpeningOrGlobal(number: number, payload: Buffer): void {
    switch (number) {
      case messageNumber.CHANNEL_OPEN_CONFIRMATION:
        this.#confirmed(decodeChannelOpenConfirmation(payload))
        return
      case messageNumber.CHANNEL_OPEN_FAILURE: {
        const { recipient, reason, description } = decodeChannelOpenFailure(payload)
        this.#takeOpening(recipient, number)?.refused(reason, description)
        return
      }
      case messageNumber.CHANNEL_OPEN:
        this.#receiveOpen(decodeChannelOpen(payload))
        return
      case messageNumber.GLOBAL_REQUEST:
        this.#receiveGlobalRequest(payload)
        return
      case messageNumber.REQUEST_SUCCESS:
        this.#countSurplus(this.globalRequests.receiveSuccess(Buffer.from(payload.subarray(1))))
        return
      case messageNumber.REQUEST_FAILURE:
        this.#countSurplus(this.globalRequests.receiveFailure())
        return
      default:
        throw protocolError(messageName(number), 'is no message of the connection protocol')
    }
  }

  #sendOpen(type: string, data: Buffer, opening: Opening, taken: () => void): void {
    const id = this.#nextId++
    this.#openings.set(id, opening)
    const open = { type, sender: id, window: this.#options.window, maxPacket, data }
    this.#options.transport.send(encodeChannelOpen(open), taken)
  }

  #confirmed({ recipient, sender, window, maxPacket: theirs }: ChannelOpenConfirmation): void {
    const opening = this.#takeOpening(recipient, messageNumber.CHANNEL_OPEN_CONFIRMATION)
    if (opening === undefined) return
    opening.confirmed(this.#add(recipient, { id: sender, window, maxPacket: theirs }))
  }

  #add(localId: number, remote: { id: number; window: number; maxPacket: number }): Channel {
    if (remote.maxPacket === 0) throw protocolError('maximum packet size', 'is 0, so that no data could ever be sent')
    const channel = new Channel(this.#port, localId, remote, this.#options.window)
    this.#channels.set(localId, channel)
    return channel
  }

  #receiveOpen({ type, sender, window, maxPacket: theirs, data }: ChannelOpen): void {
    const { transport, handlers } = this.#options
    const decision = handlers.channelOpen(type, data)
    if ('refuse' in decision) {
      const { refuse: reason, description } = decision
      transport.reply(encodeChannelOpenFailure({ recipient: sender, reason, description }))
      return
    }
    const channel = this.#add(this.#nextId++, { id: sender, window, maxPacket: theirs })
    const ours = { recipient: sender, sender: channel.localId, window: this.#options.window, maxPacket, data: none }
    transport.reply(encodeChannelOpenConfirmation(ours))
    channel.attach(decision.accept(channel))
  }

  #receiveGlobalRequest(payload: Buffer): void {
    const { name, wantReply, data } = decodeGlobalRequest(payload)
    const reply = this.#options.handlers.globalRequest(name, data, wantReply)
    if (!wantReply) return
    this.#options.transport.reply(reply === undefined ? encodeRequestFailure() : encodeRequestSuccess(reply))
  }

  #receiveReply(outcome: 'CHANNEL_SUCCESS' | 'CHANNEL_FAILURE', payload: Buffer): void {
    const channel = this.#find(decodeBareChannelMessage(outcome, payload), messageNumber[outcome])
    if (channel !== undefined) this.#countSurplus(channel.receiveReply(outcome))
  }

  #countSurplus(wanted: boolean): void {
    if (!wanted) this.surplus++
  }

  /** The channel that a message is for; undefined for one that is gone, whose late messages are dropped. */
  #find(id: number, number: number): Channel | undefined {
    const channel = this.#channels.get(id)
    if (channel !== undefined) return channel
    this.#dropLate(id, number, !this.#openings.has(id))
    return undefined
  }

  #takeOpening(id: number, number: number): Opening | undefined {
    const opening = this.#openings.get(id)
    if (opening === undefined) this.#dropLate(id, number, true)
    this.#openings.delete(id)
    return opening
  }

  #dropLate(id: number, number: number, wasOpen: boolean): void {
    if (id >= this.#nextId || !wasOpen)
      throw protocolError(messageName(number), `names channel ${id}, which is not open`)
    this.surplus++
  }

  #forget(channel: Channel): void {
    this.#channels.delete(channel.localId)
    this.#sendable.delete(channel)
    this.#channelGone()
  }
}

/** Messages that a peer sends only after it read something of ours. */
function isAnswer(number: number): boolean {
  return (
    number === messageNumber.CHANNEL_WINDOW_ADJUST ||
    number === messageNumber.CHANNEL_SUCCESS ||
    number === messageNumber.CHANNEL_FAILURE ||
    number === messageNumber.CHANNEL_OPEN_CONFIRMATION ||
    number === messageNumber.CHANNEL_OPEN_FAILURE ||
    number === messageNumber.REQUEST_SUCCESS ||
    number === messageNumber.REQUEST_FAILURE
  )
}
