import { diagnostics } from '../diagnostics.js'
import { asHoldfastError, type ErrorDetails, type HoldfastError, type Phase } from '../errors.js'
import type { NegotiatedAlgorithms } from '../kex/negotiation.js'
import { Transport, type TransportSink } from '../kex/transport.js'
import { type Deadlines, runAll } from '../liveness/deadlines.js'
import { Keepalive } from '../liveness/keepalive.js'
import { phaseOf } from '../liveness/phase.js'
import type { LivenessChange, SentProbe, Verdict } from '../liveness/port.js'
import type { KeepaliveSettings } from '../liveness/settings.js'
import type { Wait, Waits } from '../liveness/waits.js'
import { disconnectReason } from '../wire/numbers.js'
import { encodeDisconnect } from '../wire/transport-messages.js'
import { Acknowledgement } from './acknowledgement.js'
import type { Channel, ChannelSink } from './channel.js'
import { Closing, type ClosingPort } from './closing.js'
import { closedError, complete, disconnectFor, lostError, verdictError } from './endings.js'
import type { GlobalRequestOptions } from './global-requests.js'
import { Growth } from './growth.js'
import type { ConnectionHost } from './host.js'
import { Mux, type MuxOwner } from './mux.js'
import type { OpenOptions } from './openings.js'
import type { ConnectionOptions } from './options.js'
import { ProbeMessages, type ProbeSink } from './probe-messages.js'
import { Remarks } from './remarks.js'
import { ConnectionAuthPort, Services } from './services.js'

/**
 * One SSH connection without its socket: bytes and calls in, bytes and events out. It serves as client and as server. It
 * implements the ports of its parts itself, so that no callback needs a closure.
 */
export class Connection implements TransportSink, MuxOwner, ProbeSink, ClosingPort {
  readonly waits: Waits
  readonly deadlines: Deadlines
  readonly now: () => number
  readonly keepalive: Keepalive
  readonly probes: ProbeMessages
  readonly acknowledgement: Acknowledgement
  /** Resolves once authentication succeeded; rejects with what prevented it. */
  readonly ready: Promise<void>
  readonly growth: Growth
  readonly ignores: TransportSink['ignores']
  readonly remarks = new Remarks()
  readonly #options: ConnectionOptions
  readonly #host: ConnectionHost
  readonly #transport: Transport
  readonly #mux: Mux
  readonly #services: Services
  readonly #closing: Closing
  /** Until it is ready. */
  #readiness: Wait<void> | undefined
  #cause: HoldfastError | undefined
  #isReady = false

  constructor(options: ConnectionOptions, host: ConnectionHost) {
    const { waits, deadlines, facts } = options
    this.#options = options
    this.#host = host
    this.waits = waits
    this.deadlines = deadlines
    this.now = facts.now
    this.ignores = options.handlers.ignores?.bind(options.handlers)
    this.growth = new Growth(options.windowMax)
    this.#transport = new Transport(options, this)
    this.#mux = new Mux(options, this.#transport, this)
    this.acknowledgement = new Acknowledgement(options.role, this.#mux)
    this.#services = new Services(options.authenticator, this.#mux)
    this.probes = new ProbeMessages(this.#transport, this.#mux, this)
    const [high = 0, low = 0] = options.environment.randomBytes(2)
    const phase = phaseOf((high * 0x100 + low) / 0x10000)
    this.keepalive = new Keepalive(this.probes, options.keepalive, deadlines, options.probeMemory, phase)
    this.#closing = new Closing(waits, this)
    facts.witness(this.keepalive)
    this.#readiness = this.#startReady()
    this.ready = this.#readiness.promise
  }

  /** Says who we are and begins the first key exchange. */
  start(): void {
    this.#guard(() => this.#transport.start())
  }

  errorDetails(): ErrorDetails {
    return { ...this.#options.facts.errorDetails(), phase: this.#phase }
  }

  /** Why the connection ended; undefined while it lives. */
  get cause(): HoldfastError | undefined {
    return this.#cause
  }

  get negotiated(): NegotiatedAlgorithms | undefined {
    return this.#transport.negotiated
  }

  /** The words with which the peer introduced itself, and with which it left. */
  get words(): Pick<Transport, 'identification' | 'farewell'> {
    return this.#transport
  }

  get keyExchanges(): number {
    return this.#transport.keyExchanges
  }

  get sessionId(): Buffer | undefined {
    return this.#transport.sessionId
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  /** Whether what we send waits here, for the kernel or for the end of a key exchange. */
  get holdsBack(): boolean {
    return this.#transport.unsentBytes > 0 || !this.#transport.isOpen
  }

  get channels(): Iterable<Channel> {
    return this.#mux.channels.all
  }

  /** Answers and messages that nobody waited for; they were dropped. */
  get surplus(): number {
    return this.#mux.surplus
  }

  /** Opens a channel; see `Openings.open`. */
  open(type: string, data: Buffer, sink: (channel: Channel) => ChannelSink, options?: OpenOptions): Promise<Channel> {
    return this.#mux.openings.open(type, data, sink, options)
  }

  onChannelGone(gone: (channel: Channel) => void): () => void {
    return this.#mux.channels.onGone(gone)
  }

  /** @throws HoldfastError ERR_SSH_REQUEST_REFUSED, ERR_SSH_TIMEOUT (limit `reply`), ERR_SSH_ABORTED */
  globalRequest(name: string, data: Buffer, options?: GlobalRequestOptions): Promise<Buffer> {
    return this.#mux.globalRequests.request(name, data, options)
  }

  configureKeepalive(settings: KeepaliveSettings): void {
    this.#guard(() => this.keepalive.configure(settings, this.now()))
  }

  /** Exchanges keys anew. Resolves when the new keys are in use. */
  async rekey(): Promise<void> {
    if (this.#cause !== undefined) throw this.#cause
    await this.#transport.rekey()
    const { cause } = this
    // It could not even be begun.
    if (cause !== undefined) throw cause
  }

  /** Bytes from the peer; they are read at once, and their memory may be used again. Never throws. */
  receive(chunk: Buffer): void {
    if (this.#closing.isSilent) return
    this.#options.facts.readAt = this.now()
    try {
      this.#transport.receive(chunk)
      this.#mux.sending.pump()
    } catch (error) {
      this.failed(error)
    }
  }

  /** The bytes that are to be written now. */
  takeOutput(): Uint8Array[] {
    return this.#transport.takeOutput()
  }

  /** The kernel has taken this many more bytes of what was handed out. */
  kernelTook(bytes: number): void {
    this.#guard(() => {
      this.#transport.kernelTook(bytes)
      this.probes.kernelTook()
      this.#mux.sending.pump()
      this.#closing.advance()
    })
  }

  /** The stream is over: the peer closed it, or the operating system reported an error. */
  streamEnded(error?: Error): void {
    // A peer that ended the stream in order is not shown an error for it.
    const how = error === undefined ? 'farewell' : 'reset'
    this.#teardown(this.#cause ?? lostError(error, this.#transport, this.errorDetails()), how)
  }

  /** Time in which this process could not listen does not count against the peer. */
  lost(milliseconds: number): void {
    // The keepalive finds out by itself: it looks at how late its own wakes are.
    this.waits.lost(milliseconds)
  }

  /** The wall clock stepped, or the machine slept: what was known of the peer is stale. */
  disturbed(): void {
    this.#guard(() => this.keepalive.disturbed(this.now()))
  }

  /**
   * Ends the connection in order: new calls are refused and pending ones settle at once; bytes already written go out,
   * then DISCONNECT and FIN. What is not done by then is dropped after `timeoutMs`. Never rejects.
   */
  close(timeoutMs: number): Promise<void> {
    if (this.#cause !== undefined) return this.#closing.finished
    this.#cause = closedError(this.errorDetails())
    this.waits.drain(this.#cause)
    this.#closing.begin(timeoutMs)
    this.#host.writable()
    return this.#closing.finished
  }

  /** Ends the connection now, telling the peer what it did wrong where it is to blame. */
  destroy(cause: HoldfastError): void {
    const farewell = disconnectFor(cause)
    if (farewell !== undefined && this.#cause === undefined) this.#transport.outbound.send(encodeDisconnect(farewell))
    const inOrder = farewell !== undefined || cause.code === 'ERR_SSH_DISCONNECTED'
    this.#teardown(this.#cause ?? cause, inOrder ? 'farewell' : 'reset')
  }

  keysReady(): void {
    this.#services.authenticate(new ConnectionAuthPort(this.#transport, this)).then(
      () => this.#authenticated(),
      (error: unknown) => {
        // A close() in the middle of it settles it too, and its goodbye is not to be cut short.
        if (this.#cause === undefined) this.destroy(asHoldfastError(error))
      },
    )
  }

  message(payload: Buffer): void {
    this.#services.receive(payload)
  }

  heard(bytes: number): void {
    this.keepalive.heard(this.#options.facts.readAt, bytes)
  }

  pong(data: Buffer): void {
    this.probes.receivePong(data)
  }

  remark(text: string): void {
    this.remarks.came(text)
  }

  unimplemented(sequence: number): void {
    this.probes.receiveUnimplemented(sequence)
  }

  exchangeStarted(): void {
    this.keepalive.keyExchangeStarted()
  }

  #authenticated(): void {
    if (this.#cause !== undefined) return
    this.#isReady = true
    this.#transport.allowRekey()
    this.keepalive.start(this.now())
    this.#readiness?.resolve()
    this.#readiness = undefined
  }

  writable(): void {
    this.probes.wrote()
    this.#host.writable()
  }

  exchangeJoined(): void {
    this.probes.exchangeJoined()
    this.keepalive.keyExchangeJoined()
  }

  exchangeEnded(): void {
    this.probes.exchangeEnded()
    this.keepalive.keyExchangeEnded(this.now())
    this.#mux.sending.pump()
    this.#host.keysExchanged?.()
  }

  failed(error: unknown): void {
    this.destroy(asHoldfastError(error, this.errorDetails()))
  }

  confirmed(sentAt: number): void {
    const now = this.now()
    this.growth.answeredAfter(now - sentAt)
    this.keepalive.confirmed(sentAt, now)
  }

  probeSent({ kind }: SentProbe): void {
    diagnostics.probe(() => ({ ...this.#options.facts.about, event: 'sent', probe: kind }))
  }

  probeVoided(probe: SentProbe): void {
    this.keepalive.voided(probe, this.now())
  }

  livenessChanged(change: LivenessChange): void {
    this.#host.livenessChanged(change)
  }

  probeAnswered(probe: SentProbe): void {
    const { facts } = this.#options
    this.keepalive.answered(probe, facts.now())
    const { rttMs } = this.keepalive
    if (rttMs !== null) this.growth.answeredAfter(rttMs)
    diagnostics.probe(() => ({
      ...facts.about,
      event: 'answered',
      probe: probe.kind,
      ...(rttMs !== null && { rttMs }),
    }))
  }

  judged(verdict: Verdict): void {
    const report = () => this.#host.livenessChanged({ ...verdict, to: 'dead' })
    this.#teardown(verdictError(verdict, this.errorDetails()), 'reset', report)
  }

  isFlushed(): boolean {
    return this.#mux.channels.queuedBytes === 0 && this.#transport.unsentBytes === 0 && this.#transport.isOpen
  }

  isReadByPeer(): boolean {
    return this.#mux.channels.isEmpty && this.#transport.unsentBytes === 0 && (this.#host.delivers?.() ?? false)
  }

  giveUp(how: 'farewell' | 'reset'): void {
    this.#teardown(this.#cause ?? closedError(this.errorDetails()), how)
  }

  sayGoodbye(): void {
    const description = `closed by the ${this.#options.role}`
    this.#transport.outbound.send(encodeDisconnect({ reason: disconnectReason.BY_APPLICATION, description }))
    this.keepalive.stop()
    this.#transport.stop()
    this.#host.writable()
    this.#host.finish()
  }

  #startReady(): Wait<void> {
    return this.waits.start<void>({
      limit: 'connect',
      limitMs: false,
      clock: 'call',
      phase: 'authentication',
      what: 'the connection',
    })
  }

  /** How far the connection has come. */
  get #phase(): Phase {
    if (this.#isReady) return 'ready'
    if (this.#transport.peerSoftware === undefined) return 'identification'
    return this.#transport.sessionId === undefined ? 'keyExchange' : 'authentication'
  }

  /** The one path on which a connection ends: the stream first, then every waiter with one cause, then the report. */
  #teardown(bare: HoldfastError, how: 'farewell' | 'reset', report: () => void = () => {}): void {
    if (this.#closing.isOver) return
    const completed = complete(this.#services.explain(bare), this.errorDetails())
    const cause = this.#host.explain?.(completed) ?? completed
    this.#cause = cause
    this.#closing.end()
    runAll([
      () => this.#host.destroy(how),
      () => this.#transport.stop(),
      () => this.keepalive.stop(),
      () => this.waits.drain(cause),
      () => this.#closing.finish(),
      () => runAll(this.#mux.lose(cause)),
      report,
      () => this.#host.ended(cause),
    ])
  }

  /** Runs what a packet or a call sets off; whatever it throws ends the connection, and nothing else. */
  #guard(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.failed(error)
    }
  }
}
