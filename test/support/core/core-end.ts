import type { HoldfastError } from 'holdfast'
import { Connection } from '#src/connection/connection.js'
import { Facts } from '#src/connection/facts.js'
import type { ConnectionHost } from '#src/connection/host.js'
import type { ConnectionOptions } from '#src/connection/options.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import type { LivenessChange } from '#src/liveness/port.js'
import { Waits } from '#src/liveness/waits.js'
import type { Random } from './random.js'
import type { SimulatedTime } from './simulated-time.js'
import type { Reader, Stream } from './stream.js'

/** The part of the options that every end makes for itself. */
export type CoreOptions = Omit<ConnectionOptions, 'environment' | 'deadlines' | 'waits' | 'facts'>

/** One real connection, in either role, on a stream in memory. */
export class CoreEnd implements ConnectionHost, Reader {
  readonly deadlines = new Deadlines()
  readonly facts: Facts
  readonly waits: Waits
  readonly connection: Connection
  readonly changes: LivenessChange[] = []
  /** Why it ended, as the program that owns it was told. */
  cause: HoldfastError | undefined
  /** Whether its stream is a socket of the system. */
  delivers = (): boolean => false
  /** Whether the kernel takes what is written; what it did not take is written once it does. */
  kernelTakes = true
  randomBytes: (size: number) => Buffer
  readonly #output: Stream
  #flushing = false
  #destroyed = false

  constructor(time: SimulatedTime, random: Random, output: Stream, options: CoreOptions) {
    this.#output = output
    this.randomBytes = random.bytes
    this.facts = new Facts(time.now, `the ${options.role}’s peer`)
    this.waits = new Waits(this.facts, this.deadlines)
    time.watch(this.deadlines)
    const environment = { now: time.now, randomBytes: (size: number) => this.randomBytes(size) }
    this.connection = new Connection(
      { ...options, environment, deadlines: this.deadlines, waits: this.waits, facts: this.facts },
      this,
    )
    // Whoever wants to know asks `connection.ready` itself.
    this.connection.ready.catch(() => {})
  }

  /** What the connection would leave behind: nothing, once it is over. */
  get leftovers(): { readonly deadlines: number; readonly waits: number; readonly channels: number } {
    return {
      deadlines: this.deadlines.size,
      waits: this.waits.size,
      channels: [...this.connection.channels].filter((channel) => channel.isOpen).length,
    }
  }

  receive(chunk: Buffer): void {
    // A copy whose memory is spoilt at once, as the shared read buffer's is by the next read.
    const shared = Buffer.from(chunk)
    this.connection.receive(shared)
    shared.fill(0xee)
  }

  streamEnded(error?: Error): void {
    if (!this.#destroyed) this.connection.streamEnded(error)
  }

  writable(): void {
    if (this.#flushing || this.#destroyed) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#destroyed || !this.kernelTakes) return
    const bytes = Buffer.concat(this.connection.takeOutput())
    if (bytes.length === 0) return
    this.#output.write(bytes)
    this.connection.kernelTook(bytes.length)
  }

  finish(): void {
    this.flush()
    this.#output.end()
  }

  destroy(how: 'farewell' | 'reset'): void {
    if (this.#destroyed) return
    if (how === 'farewell') this.flush()
    this.#destroyed = true
    // What the kernel did not take is lost with the stream; what is there later was sent to nobody.
    this.connection.takeOutput()
    this.#output.end(how === 'reset' ? new Error('read ECONNRESET') : undefined)
  }

  livenessChanged(change: LivenessChange): void {
    this.changes.push(change)
  }

  ended(cause: HoldfastError): void {
    this.cause = cause
  }
}
