import type { Transport } from '../kex/transport.js'
import type { KeepalivePort, LivenessChange, ProbeKind, SentProbe, Verdict } from '../liveness/port.js'
import { lastQuestionMaxMs } from '../liveness/settings.js'
import { encodeGlobalRequest } from '../wire/connection-messages.js'
import { encodeIgnore, encodePing } from '../wire/transport-messages.js'
import { keepaliveRequest } from './channel.js'
import type { Mux } from './mux.js'

export interface ProbeSink {
  now(): number
  probeSent(probe: SentProbe): void
  probeAnswered(probe: SentProbe): void
  /** Its channel was closed before the answer came. */
  probeVoided(probe: SentProbe): void
  livenessChanged(change: LivenessChange): void
  judged(verdict: Verdict): void
}

/** A deaf peer may be asked for ever, and each probe keeps its place in the line of answers until one comes. */
export const maxUnanswered = 256

/** Of a key exchange that asks whether the peer lives the keepalive is the judge: no limit is to be sooner. */
const spareMs = 10_000

/**
 * A window has grown because the link moved all of it in a round trip. Whatever has become of the link since, it is taken to
 * move so many times more of what is beyond the first window than the slowest does: 64 kB/s, where that moves 4.
 */
const grownLinkFactor = 16

const keepalivePayload = encodeGlobalRequest(keepaliveRequest, true)

interface Ping {
  readonly probe: MessageProbe
  readonly sequence: number
}

/** Sends the probes of the keepalive as messages, and tells the answers apart. */
export class ProbeMessages implements KeepalivePort {
  readonly #transport: Transport
  readonly #mux: Mux
  readonly #sink: ProbeSink
  /** By the number that each carries: a PONG brings it back. */
  #pings: Map<number, Ping> | undefined
  #nextPing = 1
  readonly #exchanges: MessageProbe[] = []
  #unanswered = 0
  #stuckSince: number | undefined

  constructor(transport: Transport, mux: Mux, sink: ProbeSink) {
    this.#transport = transport
    this.#mux = mux
    this.#sink = sink
  }

  send(kind: ProbeKind, taken: (() => void) | undefined): MessageProbe | undefined {
    const probe = this.#maySend(kind) ? this.#sendAs(kind, taken) : undefined
    if (probe === undefined) return undefined
    this.#unanswered++
    this.#sink.probeSent(probe)
    return probe
  }

  /**
   * Probes that wait for the peer's answer, those included that the keepalive has given up: only the peer can take a slot
   * out of its line.
   */
  get unanswered(): number {
    return this.#unanswered
  }

  refresh(): boolean {
    if (!this.#transport.isOpen) return false
    this.#transport.send(encodeIgnore(Buffer.alloc(8)))
    return true
  }

  unsentBytes(): number {
    return this.#transport.unsentBytes + this.#mux.channels.queuedBytes
  }

  stuckSince(): number | undefined {
    return this.#stuckSince
  }

  excused(boundMs: number): void {
    this.#transport.excuseExchange(boundMs + spareMs)
  }

  changed(change: LivenessChange): void {
    this.#sink.livenessChanged(change)
  }

  verdict(verdict: Verdict): void {
    this.#sink.judged(verdict)
  }

  receivePong(data: Buffer): void {
    if (data.length !== 4) return
    const number = data.readUInt32BE(0)
    const ping = this.#pings?.get(number)
    if (ping === undefined) return
    this.#pings?.delete(number)
    this.#answered(ping.probe)
  }

  /** The peer did not know a message: that is an answer too. */
  receiveUnimplemented(sequence: number): void {
    if (this.#mux.globalRequests.receiveUnimplemented(sequence)) return
    for (const [number, ping] of this.#pings ?? []) {
      if (ping.sequence !== sequence) continue
      this.#pings?.delete(number)
      this.#answered(ping.probe)
      return
    }
  }

  /** The peer's KEXINIT came: PINGs that met the exchange are void. Those after our NEWKEYS are not. */
  exchangeJoined(): void {
    for (const { probe } of this.#pings?.values() ?? []) this.#over(probe)
    this.#pings?.clear()
  }

  /** Packets are numbered anew. */
  exchangeEnded(): void {
    this.#mux.globalRequests.numbersBeginAnew()
    for (const probe of this.#exchanges.splice(0)) this.#answered(probe)
  }

  /** Something was sealed for the kernel to take. */
  wrote(): void {
    this.#stuckSince ??= this.#sink.now()
  }

  kernelTook(): void {
    this.#stuckSince = this.#transport.unsentBytes > 0 ? this.#sink.now() : undefined
  }

  /** Of key exchanges there is one at a time, and every peer must answer it. */
  #maySend(kind: ProbeKind): boolean {
    return this.#transport.isOpen && (kind === 'key-exchange' || this.#unanswered < maxUnanswered)
  }

  #sendAs(kind: ProbeKind, taken: (() => void) | undefined): MessageProbe | undefined {
    if (kind === 'ping') return this.#ping(taken)
    if (kind === 'global-request') return this.#requestGlobally(taken)
    if (kind === 'channel-request') return this.#requestOnChannel(taken)
    return kind === 'channel-open' ? this.#openChannel(taken) : this.#exchangeKeys()
  }

  #ping(taken: (() => void) | undefined): MessageProbe | undefined {
    if (!this.#transport.generic.answersPings) return undefined
    const number = this.#nextPing
    this.#nextPing = (number + 1) % 2 ** 32
    const sequence = this.#transport.outbound.sequence
    const data = Buffer.alloc(4)
    data.writeUInt32BE(number, 0)
    this.#transport.send(encodePing(data), taken)
    const probe = this.#begin('ping').wasSent()
    this.#pings ??= new Map()
    this.#pings.set(number, { probe, sequence })
    return probe
  }

  #requestGlobally(taken: (() => void) | undefined): MessageProbe {
    const { globalRequests } = this.#mux
    const probe = this.#begin('global-request', globalRequests)
    globalRequests.probe(keepalivePayload, () => this.#answered(probe), taken)
    return probe.wasSent()
  }

  #requestOnChannel(taken: (() => void) | undefined): MessageProbe | undefined {
    for (const channel of this.#mux.channels.all) {
      if (!channel.isOpen) continue
      const probe = this.#begin('channel-request', channel)
      const answered = (): void => this.#answered(probe)
      const voided = (): void => this.#voided(probe)
      channel.probe(answered, voided, taken)
      return probe.wasSent()
    }
    return undefined
  }

  #openChannel(taken: (() => void) | undefined): MessageProbe {
    const probe = this.#begin('channel-open')
    this.#mux.openings.probe(() => this.#answered(probe), taken)
    return probe.wasSent()
  }

  #exchangeKeys(): MessageProbe {
    this.#transport.askForKeys(lastQuestionMaxMs + spareMs)
    const probe = this.#begin('key-exchange').wasSent()
    this.#exchanges.push(probe)
    return probe
  }

  #begin(kind: ProbeKind, line?: AnswerLine): MessageProbe {
    return new MessageProbe(kind, this.#transport, this.#mux, line)
  }

  #answered(probe: MessageProbe): void {
    this.#over(probe)
    this.#sink.probeAnswered(probe)
  }

  #voided(probe: MessageProbe): void {
    this.#over(probe)
    this.#sink.probeVoided(probe)
  }

  #over(probe: MessageProbe): void {
    if (!probe.isUnanswered) return
    probe.isUnanswered = false
    this.#unanswered--
  }
}

/** Where the order of replies alone says whose they are. */
interface AnswerLine {
  /** Whether every request was answered that wants it. */
  readonly owesNothing: boolean
}

/** One object a probe: an idle connection makes little else. */
class MessageProbe implements SentProbe {
  readonly kind: ProbeKind
  /** Whether the peer has it in its line still. */
  isUnanswered = true
  readonly #transport: Transport
  readonly #mux: Mux
  readonly #line: AnswerLine | undefined
  #position = 0
  #granted = 0
  #grown = 0
  #sentBytes = 0
  #receivedBytes = 0

  constructor(kind: ProbeKind, transport: Transport, mux: Mux, line: AnswerLine | undefined) {
    this.kind = kind
    this.#transport = transport
    this.#mux = mux
    this.#line = line
  }

  /** Notes what is in its way, its own bytes included. */
  wasSent(): this {
    const { bytes, grown } = this.#mux.channels.granted
    this.#position = this.#transport.outbound.position
    this.#granted = bytes
    this.#grown = grown
    this.#sentBytes = this.#mux.sending.sentBytes
    this.#receivedBytes = this.#mux.receivedBytes
    return this
  }

  ahead(): number {
    const uncovered = Math.max(0, this.#sentBytes - this.#mux.sending.coveredBytes)
    return Math.max(0, this.#position - this.#transport.takenBytes) + uncovered
  }

  behind(): number {
    const received = this.#mux.receivedBytes - this.#receivedBytes
    return asOnSlowLink(Math.max(0, this.#granted - received), this.#granted - this.#grown)
  }

  isAnswerSure(): boolean {
    return this.#line?.owesNothing ?? true
  }
}

/** What is granted, in bytes as the slowest link moves them. @param plain how much of it would be granted to any link */
function asOnSlowLink(granted: number, plain: number): number {
  return granted <= plain ? granted : plain + (granted - plain) / grownLinkFactor
}
