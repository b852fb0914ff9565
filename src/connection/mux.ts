import { diagnostics } from '../diagnostics.js'
import type { HoldfastError } from '../errors.js'
import { protocolError } from '../kex/exchange.js'
import type { Transport } from '../kex/transport.js'
import type { Deadlines } from '../liveness/deadlines.js'
import type { Keepalive } from '../liveness/keepalive.js'
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
  encodeChannelOpenConfirmation,
  encodeChannelOpenFailure,
} from '../wire/connection-messages.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import { Channel, type ChannelEvent, type ChannelPort, type ChannelSink, type RemoteEnd } from './channel.js'
import { Channels } from './channels.js'
import type { Facts } from './facts.js'
import { GlobalReplies, type GlobalRepliesPort, type GlobalReply } from './global-replies.js'
import { GlobalRequests, type GlobalRequestsPort } from './global-requests.js'
import { maxPacket, type Opening, Openings, type OpeningsPort } from './openings.js'
import { Sending, type SendingPort } from './sending.js'
import type { WindowGrowth } from './window.js'

/** How a channel that the peer opens is answered: taken, or refused with a reason of RFC 4254 section 5.1. */
export type OpenDecision =
  | { readonly accept: (channel: Channel) => ChannelSink }
  | { readonly refuse: number; readonly description: string }

/** What the peer may ask of us. */
export interface PeerHandlers {
  channelOpen(type: string, data: Buffer): OpenDecision
  /** A promise must not reject: its reply goes out once it is known, and those of later requests after it. */
  globalRequest(name: string, data: Buffer, wantReply: boolean): GlobalReply | Promise<GlobalReply>
  /** Whether to pass over a message of any layer without a word, as only a peer that breaks the protocol does. */
  ignores?(payload: Buffer): boolean
}

export interface MuxOptions {
  readonly waits: Waits
  readonly deadlines: Deadlines
  readonly facts: Facts
  readonly handlers: PeerHandlers
  readonly limits: Readonly<Record<'channelOpen' | 'reply' | 'channelClose', number>>
  /** What we let the peer send on a channel before its consumer took any of it. */
  readonly window: number
}

/** The connection, as far as its channels need it. */
export interface MuxOwner {
  readonly keepalive: Keepalive
  readonly growth: WindowGrowth
  /** The peer has heard what was sent at that instant, and everything before; of WINDOW_ADJUST that is not known. */
  confirmed(sentAt: number): void
  /** What went wrong while no message was being handled ends the connection. */
  failed(error: unknown): void
}

/** All that channels and requests need of the connection: the mux implements it itself, so that no callback needs a closure. */
type MuxPorts = ChannelPort & SendingPort & GlobalRequestsPort & GlobalRepliesPort & OpeningsPort

const none = Buffer.alloc(0)

/** The connection protocol (RFC 4254): channels side by side, and global requests in line, over one transport. */
export class Mux implements MuxPorts {
  readonly globalRequests: GlobalRequests
  readonly openings: Openings
  readonly transport: Transport
  readonly sending: Sending
  readonly waits: Waits
  readonly deadlines: Deadlines
  readonly limits: MuxOptions['limits']
  readonly window: number
  readonly now: () => number
  readonly #globalReplies: GlobalReplies
  readonly #options: MuxOptions
  readonly #owner: MuxOwner
  readonly channels = new Channels()
  /** Bytes of channel data so far. */
  receivedBytes = 0
  /** Whether the peer has started a program for us, or passed on data. */
  hasProgram = false
  /** Answers that nobody asked for, ends said twice, and messages for channels that are gone: counted and dropped. */
  surplus = 0

  constructor(options: MuxOptions, transport: Transport, owner: MuxOwner) {
    this.#options = options
    this.#owner = owner
    this.transport = transport
    this.waits = options.waits
    this.deadlines = options.deadlines
    this.limits = options.limits
    this.window = options.window
    this.now = options.facts.now
    this.sending = new Sending(this)
    this.globalRequests = new GlobalRequests(this)
    this.#globalReplies = new GlobalReplies(this)
    this.openings = new Openings(this)
  }

  get keepalive(): Keepalive {
    return this.#owner.keepalive
  }

  get growth(): WindowGrowth {
    return this.#owner.growth
  }

  answered(sentAt: number): void {
    this.#owner.confirmed(sentAt)
  }

  failed(error: unknown): void {
    this.#owner.failed(error)
  }

  report(event: ChannelEvent, channel: Channel): void {
    diagnostics.channel(() => {
      const { localId, type, queuedBytes } = channel
      return { ...this.#options.facts.about, event, channel: localId, type, queuedBytes }
    })
  }

  forget(channel: Channel): void {
    this.channels.remove(channel)
    this.report('closed', channel)
    this.channels.tellGone(channel)
  }

  receive(payload: Buffer): void {
    const number = payload[0] ?? 0
    // What a reply may have had to wait behind: what belongs to keepalives of either side does not count.
    if (number >= messageNumber.CHANNEL_WINDOW_ADJUST && number <= messageNumber.CHANNEL_CLOSE)
      this.#options.facts.traffic()
    switch (number) {
      case messageNumber.CHANNEL_DATA: {
        const { recipient, data } = decodeChannelData(payload)
        this.receivedBytes += data.length
        this.hasProgram = true
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
        this.receivedBytes += data.length
        this.#find(recipient, number)?.receiveExtendedData(type, data)
        return
      }
      case messageNumber.CHANNEL_EOF: {
        const channel = this.#find(decodeBareChannelMessage('CHANNEL_EOF', payload), number)
        if (channel !== undefined) this.#countSurplus(channel.receiveEof())
        return
      }
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
    this.sending.stop()
    this.#globalReplies.drop()
    return [...this.channels.all].map((channel) => () => channel.lose(cause))
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

  #confirmed({ recipient, sender, window, maxPacket: theirs }: ChannelOpenConfirmation): void {
    const opening = this.#takeOpening(recipient, messageNumber.CHANNEL_OPEN_CONFIRMATION)
    if (opening === undefined) return
    opening.confirmed(this.#add(recipient, { type: opening.type, id: sender, window, maxPacket: theirs }))
  }

  #add(localId: number, remote: RemoteEnd): Channel {
    if (remote.maxPacket === 0) throw protocolError('maximum packet size', 'is 0, so that no data could ever be sent')
    const channel = new Channel(this, localId, remote, this.window)
    this.channels.add(channel)
    this.report('opened', channel)
    return channel
  }

  #receiveOpen({ type, sender, window, maxPacket: theirs, data }: ChannelOpen): void {
    const { transport } = this
    const decision = this.#options.handlers.channelOpen(type, data)
    if ('refuse' in decision) {
      const { refuse: reason, description } = decision
      transport.reply(encodeChannelOpenFailure({ recipient: sender, reason, description }))
      return
    }
    const channel = this.#add(this.openings.takeId(), { type, id: sender, window, maxPacket: theirs })
    const ours = { recipient: sender, sender: channel.localId, window: this.window, maxPacket, data: none }
    transport.reply(encodeChannelOpenConfirmation(ours))
    channel.attach(decision.accept(channel))
  }

  #receiveGlobalRequest(payload: Buffer): void {
    const { name, wantReply, data } = decodeGlobalRequest(payload)
    const reply = this.#options.handlers.globalRequest(name, data, wantReply)
    if (!wantReply) return
    this.#globalReplies.owe(reply)
  }

  #receiveReply(outcome: 'CHANNEL_SUCCESS' | 'CHANNEL_FAILURE', payload: Buffer): void {
    if (outcome === 'CHANNEL_SUCCESS') this.hasProgram = true
    const channel = this.#find(decodeBareChannelMessage(outcome, payload), messageNumber[outcome])
    if (channel !== undefined) this.#countSurplus(channel.receiveReply(outcome))
  }

  #countSurplus(wanted: boolean): void {
    if (!wanted) this.surplus++
  }

  /** The channel that a message is for; undefined for one that is gone, whose late messages are dropped. */
  #find(id: number, number: number): Channel | undefined {
    const channel = this.channels.get(id)
    if (channel !== undefined) return channel
    this.#dropLate(id, number, !this.openings.has(id))
    return undefined
  }

  #takeOpening(id: number, number: number): Opening | undefined {
    const opening = this.openings.take(id)
    if (opening === undefined) this.#dropLate(id, number, true)
    else this.answered(opening.sentAt)
    return opening
  }

  #dropLate(id: number, number: number, wasOpen: boolean): void {
    if (!this.openings.wasUsed(id) || !wasOpen)
      throw protocolError(messageName(number), `names channel ${id}, which is not open`)
    this.surplus++
  }
}
