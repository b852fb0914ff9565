import type { Channel } from '#src/connection/channel.js'
import type { PeerHandlers } from '#src/connection/mux.js'
import { encodeExitStatus } from '#src/wire/session-messages.js'
import type { CoreEnd } from '../support/core/core-end.js'
import type { Random } from '../support/core/random.js'
import type { SimulatedTime } from '../support/core/simulated-time.js'
import { CheckedSink, dataAt } from './checked-sink.js'
import { Commands } from './commands.js'
import type { Ledger } from './ledger.js'

const none = Buffer.alloc(0)

/** Ten times its limit, the longest that a reply clock runs. */
const bounds = { ready: 171_000, open: 150_000, reply: 150_000, rekey: 300_000, channelClose: 20_000, probe: 15_000 }

interface OpenChannel {
  readonly channel: Channel
  readonly sink: CheckedSink
  written: number
  eof: boolean
  /** Closed before everything had come back. */
  abandoned: boolean
}

/** A program that uses a client in every way there is, in an order that its seed decides. */
export class Workload {
  readonly channels: OpenChannel[] = []
  readonly #time: SimulatedTime
  readonly #client: CoreEnd
  readonly #ledger: Ledger
  readonly #random: Random

  /** One of them that stands here more often is done more often. */
  readonly #actions = [
    () => this.#open(),
    ...Array.from({ length: 8 }, () => () => this.#write()),
    () => this.#request(),
    () => this.#request(),
    () => this.#globalRequest(),
    ...Array.from({ length: 3 }, () => () => this.#commands.act()),
    () => this.#rekey(),
    () => this.#probe(),
    () => this.#eof(),
    () => this.#close(),
    () => this.#stall(),
  ]

  readonly #commands: Commands

  constructor(time: SimulatedTime, client: CoreEnd, ledger: Ledger, random: Random) {
    this.#time = time
    this.#client = client
    this.#ledger = ledger
    this.#random = random
    this.#commands = new Commands(time, client, ledger, random)
    void this.#start()
  }

  /** Output of commands that was not their input, where nobody tampers. */
  get alteredOutputs(): number {
    return this.#commands.altered
  }

  /** Whether all that was written has come back, where it can. */
  get isDone(): boolean {
    return this.channels.every(({ sink, written, abandoned }) => abandoned || sink.received === written)
  }

  async #start(): Promise<void> {
    const { connection } = this.#client
    try {
      await this.#ledger.track('the login', bounds.ready, connection.ready)
    } catch {
      return
    }
    this.#open()
    for (let left = 5 + this.#random.below(30); left > 0; left--) {
      this.#time.after(this.#random.below(this.#random.pick([50, 500, 20_000])), () =>
        this.#ledger.guard('a call of the program', () => this.#act()),
      )
    }
  }

  #act(): void {
    this.#random.pick(this.#actions)()
  }

  #open(): void {
    const opening = this.#client.connection.open(
      'session',
      none,
      (channel) => {
        const sink = new CheckedSink(channel, this.#ledger, this.#random)
        this.channels.push({ channel, sink, written: 0, eof: false, abandoned: false })
        return sink
      },
      { signal: this.#sometimesSignal() },
    )
    this.#ledger.track('an open', bounds.open, opening).catch(() => {})
  }

  #write(): void {
    const open = this.#pick()
    if (open === undefined || open.eof || !open.channel.isOpen) return this.#open()
    const size = this.#random.below(this.#random.pick([10, 1000, 300_000]))
    open.channel.write(dataAt(open.written, size))
    open.written += size
  }

  #request(): void {
    const { channel } = this.#pick() ?? {}
    if (channel === undefined) return
    const asked = channel.request(this.#random.pick(['exec', 'env', 'x@y']), none, { signal: this.#sometimesSignal() })
    this.#ledger.track('a request', bounds.reply, asked).catch(() => {})
    channel.notify('signal', none)
  }

  #globalRequest(): void {
    const asked = this.#client.connection.globalRequest('x@y', none, { signal: this.#sometimesSignal() })
    this.#ledger.track('a global request', bounds.reply, asked).catch(() => {})
  }

  #rekey(): void {
    this.#ledger.track('a rekey', bounds.rekey, this.#client.connection.rekey()).catch(() => {})
  }

  #probe(): void {
    const { connection } = this.#client
    const takeBack = connection.keepalive.probeNow(connection.now(), () => {})
    this.#time.after(bounds.probe, takeBack)
  }

  #eof(): void {
    const open = this.#pick()
    if (open === undefined) return
    open.eof = true
    open.channel.eof()
  }

  #close(): void {
    const open = this.#pick()
    if (open === undefined) return
    open.abandoned = true
    void this.#ledger.track('a close of a channel', bounds.channelClose, open.channel.close())
  }

  /** The kernel takes nothing for a while, which with the longest way there and back stays below the quickest verdict. */
  #stall(): void {
    this.#client.kernelTakes = false
    this.#time.after(this.#random.below(1500), () => {
      this.#client.kernelTakes = true
      this.#ledger.guard('the kernel’s taking', () => this.#client.flush())
    })
  }

  #pick(): OpenChannel | undefined {
    return this.channels.length === 0 ? undefined : this.#random.pick(this.channels)
  }

  #sometimesSignal(): AbortSignal | undefined {
    if (!this.#random.once(6)) return undefined
    const controller = new AbortController()
    this.#time.after(this.#random.below(100), () => this.#ledger.guard('an abort', () => controller.abort()))
    return controller.signal
  }
}

/** A server that sends back all that it gets, and ends a channel when it gets EOF. */
export function echoHandlers(ledger: Ledger, random: Random): PeerHandlers {
  const accept = (channel: Channel) => {
    const sink = new CheckedSink(channel, ledger, random)
    sink.onData = (bytes) => {
      if (bytes !== undefined) channel.write(Buffer.from(bytes))
      else end(channel)
    }
    return sink
  }
  return {
    channelOpen: (type) =>
      type === 'session' && !random.once(5) ? { accept } : { refuse: random.below(6), description: 'not today' },
    globalRequest: (_name, data) => (random.once(2) ? Buffer.from(data) : undefined),
  }
}

function end(channel: Channel): void {
  channel.notify('exit-status', encodeExitStatus(0))
  channel.eof()
}
