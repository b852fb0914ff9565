import { createServer, type Server, Socket } from 'node:net'
import { type Conditions, type Direction, directions, goodConditions } from './conditions.js'
import { Flow, type FlowInfo } from './flow.js'
import { closed, listen } from './listen.js'
import { checkChoice, checkFields, checkNumber, checkObject, checkPort, checkType } from './option-checks.js'

export interface BadNetworkOptions {
  /** Where the relay connects to for each connection that it takes. `host` is 127.0.0.1 by default. */
  readonly to: { readonly host?: string | undefined; readonly port: number }
}

/** One way alone; both where it is left out. */
export interface OneWay {
  readonly direction?: Direction | undefined
}

export interface BadNetworkStats {
  /** Connections taken since the relay began. */
  readonly accepted: number
  /** Those of them whose ends are not both closed. */
  readonly open: number
  /** Bytes of all connections that were handed on, and that were thrown away. */
  readonly passed: Readonly<Record<Direction, number>>
  readonly dropped: Readonly<Record<Direction, number>>
}

/**
 * Starts a relay on a loopback port that hands on what passes between clients and one port, until it is told to do worse.
 *
 * It is a pair of TCP connections, not a wire, and so it acknowledges on behalf of a peer that is dead: a client behind
 * it never sees unacknowledged data, a retransmission, or its SO_KEEPALIVE go unanswered; and a keepalive of TCP is no
 * byte that keeps a flow from being forgotten. What a client does about such losses is to be shown in a network
 * namespace with a packet filter, not here.
 *
 * @throws HoldfastError ERR_SSH_OPTION
 */
export async function badNetwork(options: BadNetworkOptions): Promise<BadNetwork> {
  checkFields('options', options, { to: true })
  checkObject('to', options.to)
  const { host = '127.0.0.1', port } = options.to
  checkType('to.host', host, 'string')
  checkPort('to.port', port)
  // Half-open, since the end of one direction says nothing of the other.
  const server = createServer({ allowHalfOpen: true })
  const address = await listen(server, '127.0.0.1', 0)
  return new BadNetwork(server, address.port, { host, port })
}

/** The relay that `badNetwork()` started. Everything it does to a connection, it does to those that come later too. */
export class BadNetwork implements AsyncDisposable {
  readonly host = '127.0.0.1'
  /** Where clients connect to. */
  readonly port: number
  readonly #server: Server
  readonly #to: { readonly host: string; readonly port: number }
  readonly #flows = new Set<Flow>()
  readonly #conditions: Readonly<Record<Direction, Conditions>> = {
    toServer: goodConditions(),
    toClient: goodConditions(),
  }
  readonly #past = { passed: { toServer: 0, toClient: 0 }, dropped: { toServer: 0, toClient: 0 } }
  #idleLimitMs: number | undefined
  #accepted = 0
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(server: Server, port: number, to: { readonly host: string; readonly port: number }) {
    this.#server = server
    this.port = port
    this.#to = to
    server.on('connection', (client) => this.#accept(client))
  }

  /** The connections whose ends are not both closed, oldest first. */
  get connections(): readonly FlowInfo[] {
    return [...this.#flows].map((flow) => flow.info)
  }

  stats(): BadNetworkStats {
    const passed = { ...this.#past.passed }
    const dropped = { ...this.#past.dropped }
    for (const { info } of this.#flows) addTo({ passed, dropped }, info)
    return { accepted: this.#accepted, open: this.#flows.size, passed, dropped }
  }

  /**
   * Forgets connections without a word, as a NAT or firewall does: what their ends send from then on, FIN and RST
   * included, is thrown away both ways, also after `heal()`.
   * @param when those over which no byte came for `idleMs` milliseconds, now and later on; without it all that there
   * are now, once, as when a NAT starts anew
   */
  forget(when?: { readonly idleMs: number }): void {
    if (when === undefined) {
      for (const flow of this.#flows) flow.forget()
      return
    }
    checkFields('options', when, { idleMs: true })
    checkNumber('idleMs', when.idleMs, 1)
    this.#idleLimitMs = when.idleMs
  }

  /**
   * Reads, and throws away: the sender sees everything acknowledged and nothing answered. Connections can still be
   * made. One of which something was thrown away stays silent that way after `heal()`.
   */
  swallow(way: OneWay = {}): void {
    this.#change(way, (conditions) => {
      conditions.passage = 'swallow'
    })
  }

  /**
   * Stops reading: the sender's kernel fills up, and then its writes wait. Nothing is lost: after `heal()` everything
   * arrives, as after an outage over which TCP helped itself.
   */
  stall(way: OneWay = {}): void {
    this.#change(way, (conditions) => {
      conditions.passage = 'stall'
    })
  }

  /**
   * The peer is gone: whatever comes, and whatever is on its way, is thrown away both ways. New connections are taken
   * by this machine's kernel, which nobody can keep from it, and hear nothing; the server hears of them after `heal()`.
   */
  cut(): void {
    this.#change({}, (conditions) => {
      conditions.passage = 'cut'
    })
  }

  /** Resets the connections that there are, at both ends: RST. New ones are not touched. */
  reset(): void {
    for (const flow of this.#flows) flow.reset()
  }

  /** Keeps each byte for `ms` milliseconds, in order. TCP's own handshake and acknowledgements are not delayed. */
  delay(options: OneWay & { readonly ms: number }): void {
    checkObject('options', options)
    const { ms, ...way } = options
    checkNumber('ms', ms, 0)
    this.#change(way, (conditions) => {
      conditions.delayMs = ms
    })
  }

  /**
   * Lets through so many bytes a second, for each connection by itself, with a queue of 50 ms; beyond that the
   * sender's kernel keeps them.
   */
  rate(options: OneWay & { readonly bytesPerSecond: number }): void {
    checkObject('options', options)
    const { bytesPerSecond, ...way } = options
    checkNumber('bytesPerSecond', bytesPerSecond, 1)
    this.#change(way, (conditions) => {
      conditions.bytesPerSecond = bytesPerSecond
    })
  }

  /**
   * From now on a good network, and what was on its way arrives at once. What `forget`, `swallow` or `cut` took from a
   * connection stays lost to it, and so does what would follow.
   */
  heal(): void {
    this.#idleLimitMs = undefined
    for (const direction of directions) Object.assign(this.#conditions[direction], goodConditions())
    for (const flow of this.#flows) {
      flow.connect(this.#to)
      flow.hurry()
    }
  }

  /** Resets what is open and stops listening. When it has resolved, nothing of the relay is left. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await Promise.all([closed(this.#server), ...[...this.#flows].map((flow) => flow.close())])
  }

  #change(way: OneWay, change: (conditions: Conditions) => void): void {
    checkFields('options', way, { direction: true })
    const { direction } = way
    if (direction !== undefined) checkChoice('direction', direction, directions)
    for (const each of direction === undefined ? directions : [direction]) change(this.#conditions[each])
    for (const flow of this.#flows) flow.changed()
  }

  #accept(client: Socket): void {
    this.#accepted++
    const flow = new Flow({
      client,
      server: new Socket({ allowHalfOpen: true }),
      conditions: this.#conditions,
      idleLimitMs: () => this.#idleLimitMs,
      ended: () => this.#ended(flow),
    })
    this.#flows.add(flow)
    if (!this.#isCut) flow.connect(this.#to)
  }

  get #isCut(): boolean {
    return this.#conditions.toServer.passage === 'cut'
  }

  #ended(flow: Flow): void {
    if (this.#flows.delete(flow)) addTo(this.#past, flow.info)
  }
}

type Totals = Record<'passed' | 'dropped', Record<Direction, number>>

function addTo(totals: Totals, { passed, dropped }: FlowInfo): void {
  for (const direction of directions) {
    totals.passed[direction] += passed[direction]
    totals.dropped[direction] += dropped[direction]
  }
}
