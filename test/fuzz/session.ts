import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { decodeChannelOpen } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { CoreEnd, type CoreOptions } from '../support/core/core-end.js'
import { clientOptions, serverOptions } from '../support/core/options.js'
import { Random } from '../support/core/random.js'
import { ScriptedPeer } from '../support/core/scripted-peer.js'
import { SimulatedTime } from '../support/core/simulated-time.js'
import { type Reader, Stream } from '../support/core/stream.js'
import { Interceptor } from './interceptor.js'
import { Ledger } from './ledger.js'
import { someClientLogin, someServerLogin } from './logins.js'
import { cutAnywhere, stray, tamperWithBytes, tamperWithPayloads } from './tamper.js'
import { echoHandlers, Workload } from './workload.js'

/**
 * - `clean`: nobody does harm, so everything must work.
 * - `relayed`: the same, through somebody who reads along and alters nothing.
 * - `bytes`: bytes of the stream are altered, lost, doubled and put in.
 * - `payloads`: so are payloads, under right keys.
 * - `strays`: a server that says whatever comes to its mind.
 */
export const scenarios = ['clean', 'relayed', 'bytes', 'payloads', 'strays'] as const
export type Scenario = (typeof scenarios)[number]

export interface SessionReport {
  readonly problems: readonly string[]
  /** Promises that settled, and those of them that did by a value. */
  readonly settled: number
  readonly fulfilled: number
  readonly loggedIn: boolean
  /** How the client's connection ended. */
  readonly ending: string
}

/** How long a session is used before it is closed: longer than any bound, and where nobody does harm, until all is done. */
const lifeMs = { harmless: 40_000, harmful: 400_000 }

/** Plays one session whose every detail follows from its seed. */
export async function playSession(scenario: Scenario, seed: number): Promise<SessionReport> {
  const session = new Session(scenario, new Random(seed))
  return session.play()
}

class Session {
  readonly #scenario: Scenario
  readonly #random: Random
  readonly #time = new SimulatedTime()
  readonly #ledger = new Ledger(this.#time)
  readonly #client: CoreEnd
  readonly #server: CoreEnd | undefined
  readonly #workload: Workload
  #interceptor: Interceptor | undefined

  constructor(scenario: Scenario, random: Random) {
    this.#scenario = scenario
    this.#random = random
    const { toServer, toClient } = this.#streams()
    this.#client = this.#core(toServer, clientOptions(this.#clientOptions()))
    toClient.readBy(this.#watched('client', this.#client))
    this.#server = this.#opposite(toServer, toClient)
    this.#workload = new Workload(this.#time, this.#client, this.#ledger, random)
    this.#client.connection.start()
  }

  async play(): Promise<SessionReport> {
    this.#misfortune()
    await this.#time.run(this.#isHarmless ? lifeMs.harmless : lifeMs.harmful)
    if (this.#isHarmless) await this.#checkHarmless()
    const { connection } = this.#client
    await this.#time.outcome(this.#ledger.track('the close', 2000, connection.close(2000)), 10_000)
    this.#server?.connection.close(2000).catch(() => {})
    await this.#time.run(10_000)
    this.#checkLeftovers()
    this.#ledger.finish()
    const { problems, settled, fulfilled } = this.#ledger
    const loggedIn = connection.negotiated !== undefined
    return { problems, settled, fulfilled, loggedIn, ending: this.#client.cause?.code ?? 'none' }
  }

  get #isHarmless(): boolean {
    return this.#scenario === 'clean' || this.#scenario === 'relayed'
  }

  #streams(): { readonly toServer: Stream; readonly toClient: Stream } {
    const [toServer, toClient] = [new Stream(this.#time), new Stream(this.#time)]
    toServer.latencyMs = toClient.latencyMs = this.#random.pick([0, 1, 30, 300])
    const rarity = this.#random.pick([3, 10, 100, 1000])
    const tampers = this.#scenario === 'bytes'
    toServer.carry = tampers ? tamperWithBytes(this.#random, rarity) : cutAnywhere(this.#random)
    toClient.carry = tampers ? tamperWithBytes(this.#random, rarity) : cutAnywhere(this.#random)
    return { toServer, toClient }
  }

  /** Whoever is at the other end; a real server, where there is one. */
  #opposite(toServer: Stream, toClient: Stream): CoreEnd | undefined {
    if (this.#scenario === 'strays') {
      this.#strayingServer(toServer, toClient)
      return undefined
    }
    const isDirect = this.#scenario === 'clean' || this.#scenario === 'bytes'
    return isDirect ? this.#realServer(toServer, toClient) : this.#intercepted(toServer, toClient)
  }

  #realServer(toServer: Stream, output: Stream): CoreEnd {
    const extensions: readonly (readonly [string, Buffer])[] = [
      ['ping@openssh.com', Buffer.from('0')],
      ['server-sig-algs', Buffer.from('ssh-ed25519,rsa-sha2-512')],
    ]
    const server = this.#core(
      output,
      serverOptions({
        handlers: echoHandlers(this.#ledger, this.#random),
        authenticator: someServerLogin(this.#random),
        extensions: new Map(extensions.filter(() => this.#random.once(2))),
        rekey: this.#rekeyLimits(),
        window: this.#random.pick([1000, 100_000, 2_097_152]),
      }),
    )
    toServer.readBy(this.#watched('server', server))
    server.connection.start()
    return server
  }

  #intercepted(toServer: Stream, toClient: Stream): CoreEnd {
    const [beyond, back] = [new Stream(this.#time), new Stream(this.#time)]
    const strict = !this.#random.once(3)
    const interceptor = new Interceptor(this.#random, toClient, beyond, { strict })
    this.#interceptor = interceptor
    if (this.#scenario === 'payloads') {
      const rarity = this.#random.pick([3, 10, 50])
      interceptor.facingClient.alter = tamperWithPayloads(this.#random, rarity)
      if (this.#random.once(2)) interceptor.facingServer.alter = tamperWithPayloads(this.#random, rarity)
    }
    toServer.readBy(interceptor.facingClient)
    back.readBy(interceptor.facingServer)
    const server = this.#realServer(beyond, back)
    interceptor.start()
    return server
  }

  #strayingServer(toServer: Stream, toClient: Stream): void {
    const server = new ScriptedPeer(this.#random, toClient, { strict: !this.#random.once(3) })
    toServer.readBy(server)
    server.start()
    const channels: number[] = []
    server.before = (payload) => {
      if (payload[0] === messageNumber.CHANNEL_OPEN) channels.push(decodeChannelOpen(payload).sender)
      return false
    }
    const speak = () => {
      if (this.#client.cause !== undefined) return
      if (server.isFree || this.#random.once(20)) server.send(stray(this.#random, channels))
      this.#time.after(1 + this.#random.below(this.#random.pick([2, 500, 5000])), speak)
    }
    this.#time.after(this.#random.below(200), speak)
  }

  #clientOptions(): Partial<CoreOptions> {
    const keepalive = { interval: this.#random.pick([1000, 15_000]), countMax: 3, wantReply: true, tcp: false }
    return {
      keepalive: this.#random.once(8) ? { ...keepalive, interval: false } : keepalive,
      algorithms: this.#algorithms(),
      authenticator: someClientLogin(this.#random),
      rekey: this.#rekeyLimits(),
      window: this.#random.pick([1000, 100_000, 2_097_152]),
    }
  }

  #algorithms(): CoreOptions['algorithms'] {
    const kex = this.#random.pick(['curve25519-sha256', 'ecdh-sha2-nistp256', 'mlkem768x25519-sha256'])
    const cipher = this.#random.pick(defaultAlgorithms.cipher)
    return {
      ...defaultAlgorithms,
      kex: [kex],
      cipher: [cipher],
      mac: [this.#random.pick(defaultAlgorithms.mac)],
      named: [cipher],
    }
  }

  #rekeyLimits(): CoreOptions['rekey'] {
    return { bytes: this.#random.pick([50_000, 2 ** 30]), ms: this.#random.pick([5000, 3_600_000]) }
  }

  #core(output: Stream, options: CoreOptions): CoreEnd {
    return new CoreEnd(this.#time, this.#random, output, options)
  }

  /** Hands on what arrives, and notes whatever comes back but silence. */
  #watched(role: string, end: CoreEnd): Reader {
    return {
      receive: (chunk) => this.#ledger.guard(`the ${role}’s receive()`, () => end.receive(chunk)),
      streamEnded: (error) => this.#ledger.guard(`the ${role}’s streamEnded()`, () => end.streamEnded(error)),
    }
  }

  /** Something may happen to the stream or the machine on the way. */
  #misfortune(): void {
    if (this.#isHarmless || !this.#random.once(3)) return
    const kinds = [
      () => this.#client.streamEnded(),
      () => this.#client.streamEnded(new Error('read ECONNRESET')),
      () => void this.#client.connection.close(this.#random.below(3000)),
      () => this.#client.connection.disturbed(),
      () => this.#lose(this.#random.below(100_000)),
    ]
    const happen = this.#random.pick(kinds)
    this.#time.after(this.#random.below(this.#random.pick([10, 1000, 300_000])), () =>
      this.#ledger.guard('a misfortune', happen),
    )
  }

  #lose(milliseconds: number): void {
    this.#ledger.lost(milliseconds)
    this.#client.connection.lost(milliseconds)
  }

  async #checkHarmless(): Promise<void> {
    // A small window on a long path takes its time.
    await this.#time.until(() => this.#workload.isDone || this.#client.cause !== undefined, 2_000_000)
    const { cause } = this.#client
    if (cause !== undefined) this.#ledger.problem(`a harmless session ended: ${cause.code} ${cause.message}`)
    const complaint = this.#interceptor?.complaint
    if (complaint !== undefined) this.#ledger.problem(`who read along found: ${complaint}`)
    const { alteredOutputs } = this.#workload
    if (alteredOutputs > 0) this.#ledger.problem(`${alteredOutputs} commands wrote something else than they read`)
    for (const { channel, sink, written, abandoned } of this.#workload.channels) {
      if (abandoned || cause !== undefined) continue
      if (!sink.intact) this.#ledger.problem('data came back altered')
      if (sink.received !== written)
        this.#ledger.problem(`${sink.received} of ${written} bytes came back on channel ${channel.localId}`)
    }
  }

  #checkLeftovers(): void {
    for (const end of [this.#client, ...(this.#server === undefined ? [] : [this.#server])]) {
      const { cause, leftovers } = end
      const left = JSON.stringify(leftovers)
      if (cause === undefined) this.#ledger.problem('a connection is not over after its close')
      else if (cause.code === 'ERR_SSH_INTERNAL')
        this.#ledger.problem(
          `Holdfast failed: ${String(cause.cause)} ${cause.cause instanceof Error ? cause.cause.stack : ''}`,
        )
      if (cause !== undefined) this.#ledger.checkText(cause)
      if (left !== '{"deadlines":0,"waits":0,"channels":0}') this.#ledger.problem(`left over: ${left}`)
      const unsent = end.connection.takeOutput().length
      if (unsent > 0) this.#ledger.problem(`${unsent} pieces were sent after the end`)
      this.#checkDeaf(end)
    }
  }

  /** What still arrives after the end is for nobody, and calls are refused. */
  #checkDeaf(end: CoreEnd): void {
    this.#ledger.guard('receive() after the end', () => end.connection.receive(this.#random.bytes(100)))
    this.#ledger.guard('kernelTook() after the end', () => end.connection.kernelTook(10))
    this.#ledger.guard('streamEnded() after the end', () => end.connection.streamEnded())
  }
}
