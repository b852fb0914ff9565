import type { Transport } from '../kex/transport.js'
import type { KeepalivePort, LivenessChange, ProbeKind, SentProbe, Verdict } from '../liveness/port.js'
import { lastQuestionMaxMs } from '../liveness/settings.js'
import { encodeIgnore, encodePing } from '../wire/transport-messages.js'
import { keepaliveRequest } from './channel.js'
import type { Mux } from './mux.js'

export interface ProbeSink {
  now(): number
  sent(probe: SentProbe): void
  answered(probe: SentProbe): void
  /** Its channel was closed before the answer came. */
  voided(probe: SentProbe): void
  changed(change: LivenessChange): void
  verdict(verdict: Verdict): void
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

interface Ping {
  readonly probe: SentProbe
  readonly sequence: number
}

/** Sends the probes of the keepalive as messages, and tells the answers apart. */
export class ProbeMessages implements KeepalivePort {
  readonly #transport: Transport
  readonly #mux: Mux
  readonly #sink: ProbeSink
  /** By the number that each carries: a PONG brings it back. */
  readonly #pings = new Map<number, Ping>()
  #nextPing = 1
  readonly #exchanges: SentProbe[] = []
  readonly #unanswered = new Set<SentProbe>()
  #stuckSince: number | undefined

  readonly #senders: Readonly<Record<ProbeKind, (taken: () => void) => SentProbe | undefined>> = {
    ping: (taken) => this.#ping(taken),
    'global-request': (taken) =>
      this.#note(
        'global-request',
        (answered) => this.#mux.globalRequests.probe(keepaliveRequest, answered, taken),
        () => this.#mux.globalRequests.waiting === 0,
      ),
    'channel-request': (taken) => this.#probeChannel(taken),
    'channel-open': (taken) => this.#note('channel-open', (answered) => this.#mux.openings.probe(answered, taken)),
    'key-exchange': () => this.#exchangeKeys(),
  }

  constructor(transport: Transport, mux: Mux, sink: ProbeSink) {
    this.#transport = transport
    this.#mux = mux
    this.#sink = sink
  }

  send(kind: ProbeKind, taken: () => void): SentProbe | undefined {
    const probe = this.#maySend(kind) ? this.#senders[kind](taken) : undefined
    if (probe === undefined) return undefined
    this.#unanswered.add(probe)
    this.#sink.sent(probe)
    return probe
  }

  /**
   * Probes that wait for the peer's answer, those included that the keepalive has given up: only the peer can take a slot
   * out of its line.
   */
  get unanswered(): number {
    return this.#unanswered.size
  }

  refresh(): boolean {
    if (!this.#transport.isOpen) return false
    this.#transport.send(encodeIgnore(Buffer.alloc(8)))
    return true
  }

  unsentBytes(): number {
    return this.#transport.unsentBytes + this.#mux.queuedBytes
  }

  stuckSince(): number | undefined {
    return this.#stuckSince
  }

  excused(boundMs: number): void {
    this.#transport.excuseExchange(boundMs + spareMs)
  }

  changed(change: LivenessChange): void {
    this.#sink.changed(change)
  }

  verdict(verdict: Verdict): void {
    this.#sink.verdict(verdict)
  }

  receivePong(data: Buffer): void {
    if (data.length !== 4) return
    const number = data.readUInt32BE(0)
    const ping = this.#pings.get(number)
    if (ping === undefined) return
    this.#pings.delete(number)
    this.#answered(ping.probe)
  }

  /** The peer did not know a message: that is an answer too. */
  receiveUnimplemented(sequence: number): void {
    if (this.#mux.globalRequests.receiveUnimplemented(sequence)) return
    for (const [number, ping] of this.#pings) {
      if (ping.sequence !== sequence) continue
      this.#pings.delete(number)
      this.#answered(ping.probe)
      return
    }
  }

  /** The peer's KEXINIT came: PINGs that met the exchange are void. Those after our NEWKEYS are not. */
  exchangeJoined(): void {
    for (const { probe } of this.#pings.values()) this.#unanswered.delete(probe)
    this.#pings.clear()
  }

  /** Packets are numbered anew. */
  exchangeEnded(): void {
    this.#mux.globalRequests.numbersBeginAnew()
    for (const probe of this.#exchanges.splice(0)) this.#answered(probe)
  }

  /** Something was sent, or is held until a key exchange is over: the kernel is only waited for where it has something. */
  wrote(): void {
    if (this.#transport.unsentBytes > 0) this.#stuckSince ??= this.#sink.now()
  }

  kernelTook(): void {
    this.#stuckSince = this.#transport.unsentBytes > 0 ? this.#sink.now() : undefined
  }

  /** Of key exchanges there is one at a time, and every peer must answer it. */
  #maySend(kind: ProbeKind): boolean {
    return this.#transport.isOpen && (kind === 'key-exchange' || this.#unanswered.size < maxUnanswered)
  }

  #ping(taken: () => void): SentProbe | undefined {
    if (!this.#transport.answersPings) return undefined
    const number = this.#nextPing
    this.#nextPing = (number + 1) % 2 ** 32
    const sequence = this.#transport.outbound.sequence
    const data = Buffer.alloc(4)
    data.writeUInt32BE(number, 0)
    this.#transport.send(encodePing(data), taken)
    const probe = this.#describe('ping')
    this.#pings.set(number, { probe, sequence })
    return probe
  }

  #probeChannel(taken: () => void): SentProbe | undefined {
    for (const channel of this.#mux.channels) {
      if (!channel.isOpen) continue
      return this.#note(
        'channel-request',
        (answered, voided) => channel.probe(answered, voided, taken),
        () => channel.owesNothing,
      )
    }
    return undefined
  }

  #exchangeKeys(): SentProbe {
    this.#transport.askForKeys(lastQuestionMaxMs + spareMs)
    const probe = this.#describe('key-exchange')
    this.#exchanges.push(probe)
    return probe
  }

  #note(
    kind: ProbeKind,
    send: (answered: () => void, voided: () => void) => void,
    isAnswerSure = () => true,
  ): SentProbe {
    // An answer cannot come before this returns, so the probe is described by then.
    const sent: { probe?: SentProbe } = {}
    const tell = (what: (probe: SentProbe) => void) => () => {
      if (sent.probe !== undefined) what(sent.probe)
    }
    send(
      tell((probe) => this.#answered(probe)),
      tell((probe) => this.#voided(probe)),
    )
    sent.probe = this.#describe(kind, isAnswerSure)
    return sent.probe
  }

  #answered(probe: SentProbe): void {
    this.#unanswered.delete(probe)
    this.#sink.answered(probe)
  }

  #voided(probe: SentProbe): void {
    this.#unanswered.delete(probe)
    this.#sink.voided(probe)
  }

  #describe(kind: ProbeKind, isAnswerSure = () => true): SentProbe {
    const transport = this.#transport
    const mux = this.#mux
    const position = transport.outbound.position
    const { bytes: granted, grown } = mux.granted
    const plain = granted - grown
    const { sentBytes, receivedBytes } = mux.flow
    return {
      kind,
      ahead: () => Math.max(0, position - transport.takenBytes) + Math.max(0, sentBytes - mux.flow.coveredBytes),
      behind: () => asOnSlowLink(Math.max(0, granted - (mux.flow.receivedBytes - receivedBytes)), plain),
      isAnswerSure,
    }
  }
}

/** What is granted, in bytes as the slowest link moves them. @param plain how much of it would be granted to any link */
function asOnSlowLink(granted: number, plain: number): number {
  return granted <= plain ? granted : plain + (granted - plain) / grownLinkFactor
}
