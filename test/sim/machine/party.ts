import type { HoldfastError } from 'holdfast'
import { Connection } from '#src/connection/connection.js'
import { Facts } from '#src/connection/facts.js'
import type { ConnectionHost } from '#src/connection/host.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import type { LivenessChange } from '#src/liveness/port.js'
import { Waits } from '#src/liveness/waits.js'
import type { CoreOptions } from '../../support/core/core-end.js'
import type { Random } from '../../support/core/random.js'
import type { Socket } from '../network/tcp.js'
import type { Tap } from '../wire/tap.js'
import type { World } from '../world.js'
import { Process } from './process.js'
import { factsOf } from './seals.js'

const longGapMs = 1000
const writesKept = 1000
const readsKept = 200

/** What a process needs of its socket. */
export type Wire = Pick<Socket, 'ownedBy' | 'write' | 'untaken' | 'read' | 'end' | 'finish' | 'close' | 'reset'>

export interface PartyOptions {
  readonly core: CoreOptions
  readonly lagMs?: number
  readonly isCut: boolean
  /** Who reads it. */
  readonly tap?: Tap
}

/** A packet under way: where it ends in the stream of whoever sent it, and what is in it; of a line, nothing. */
interface SentPacket {
  readonly end: number
  readonly payload: Buffer | undefined
}

/** A real connection, in either role, in a process with a socket: it does what src/client/link.ts and the driver do. */
export class Party implements ConnectionHost {
  readonly process: Process
  readonly connection: Connection
  readonly deadlines = new Deadlines()
  readonly waits: Waits
  readonly changes: { readonly change: LivenessChange; readonly silentMs: number }[] = []
  /** Why it ended, as its owner was told, and when. */
  ending: { readonly cause: HoldfastError; readonly at: number } | undefined
  isReady = false
  /** When a packet of the peer was last read whole, in true time and by its own clock. */
  heardAt = 0
  heardAtOwn = 0
  /** When the kernel last took the last of what it was given, in true time and by its own clock. */
  tookAt = 0
  tookAtOwn = 0
  /** Since when the kernel has had no room for some of it. */
  untakenSince: number | undefined
  /** When it gave bytes to the kernel since then. */
  wrote: number[] = []
  /** The packets that it has sent and the peer has not read. */
  readonly packets: SentPacket[] = []
  /** What passed, as the client saw it. */
  readonly tap: Tap | undefined
  /** Reads nothing of what comes. */
  isDeaf = false
  /** Called whenever it ended. */
  onEnded: (cause: HoldfastError) => void = () => {}
  onChange: (change: LivenessChange) => void = () => {}
  readonly #world: World
  readonly #socket: Wire
  #sentBytes = 0
  #takenBytes = 0
  #readBytes = 0
  readonly #reads: { readonly at: number; readonly bytes: number }[] = []
  #peer: Pick<Party, 'packets'> | undefined
  /** Long times between two packets. */
  readonly #gaps: { readonly at: number; readonly ms: number }[] = []
  readonly #cut: (bytes: Buffer) => Buffer[]
  #flushing = false
  #isDestroyed = false

  constructor(world: World, random: Random, socket: Wire, { core, lagMs = 0, isCut, tap }: PartyOptions) {
    this.#cut = isCut ? (bytes) => cutAnywhere(bytes, random) : (bytes) => [bytes]
    this.#world = world
    this.#socket = socket
    this.tap = tap
    this.process = new Process(
      world,
      this.deadlines,
      {
        read: () => this.#read(),
        wake: (lostMs) => lostMs > 0 && this.connection.lost(lostMs),
        disturbed: () => this.connection.disturbed(),
      },
      lagMs,
    )
    const { now, busyMs } = this.process
    const facts = new Facts(now, `the ${core.role}’s peer`, busyMs)
    this.waits = new Waits(facts, this.deadlines)
    const environment = { now, randomBytes: random.bytes }
    this.connection = new Connection(
      { ...core, environment, deadlines: this.deadlines, waits: this.waits, facts },
      this,
    )
    void this.#watchReady()
    socket.ownedBy({ readable: () => this.process.readable() })
  }

  /** Who is at the other end: packets are told apart by where that one has ended them. */
  faces(peer: Pick<Party, 'packets'>): void {
    this.#peer = peer
  }

  /** What the connection would leave behind: nothing, once it is over. */
  get leftovers(): { readonly deadlines: number; readonly waits: number; readonly channels: number } {
    const channels = [...this.connection.channels].filter(({ isOpen }) => isOpen).length
    return { deadlines: this.deadlines.size, waits: this.waits.size, channels }
  }

  /** Bytes that the kernel has no room for. */
  get untaken(): number {
    return this.#socket.untaken
  }

  /** Bytes of writes of which the last byte is not taken: how far they got, nobody is told, as with Node's sockets. */
  get unreported(): number {
    return this.#sentBytes - this.#takenBytes
  }

  /** The longest time without a packet that ended after this instant, or has not ended. */
  longestGapSince(instant: number): number {
    const gaps = this.#gaps.filter(({ at }) => at >= instant).map(({ ms }) => ms)
    return Math.max(this.#world.now() - this.heardAt, ...gaps)
  }

  /** Bytes that were read from this instant on, of the latest pieces. */
  bytesSince(instant: number): number {
    return this.#reads.reduce((sum, { at, bytes }) => (at >= instant ? sum + bytes : sum), 0)
  }

  /** The stream has ended, and all before that was read. */
  get isStreamOver(): boolean {
    return this.#socket.end !== undefined && !this.#isDestroyed
  }

  writable(): void {
    if (this.#flushing || this.#isDestroyed) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  finish(): void {
    this.#flush()
    this.#socket.finish()
  }

  delivers(): boolean {
    return true
  }

  destroy(how: 'farewell' | 'reset'): void {
    if (this.#isDestroyed) return
    if (how === 'farewell') this.#flush()
    this.#isDestroyed = true
    this.connection.takeOutput()
    if (how === 'reset') this.#socket.reset()
    else this.#socket.close()
  }

  livenessChanged(change: LivenessChange): void {
    this.changes.push({ change, silentMs: this.process.now() - this.heardAtOwn })
    this.onChange(change)
  }

  ended(cause: HoldfastError): void {
    this.ending = { cause, at: this.#world.now() }
    this.process.end()
    this.onEnded(cause)
  }

  async #watchReady(): Promise<void> {
    try {
      await this.connection.ready
      this.isReady = true
    } catch {
      // Why it did not is what `ending` says.
    }
  }

  #read(): void {
    if (this.isDeaf) return
    for (const chunk of this.#socket.read()) {
      this.#noteRead(chunk.length)
      for (const piece of this.#cut(chunk)) this.#receive(piece)
    }
    const { end } = this.#socket
    if (end !== undefined && !this.#isDestroyed) this.connection.streamEnded(end.error)
  }

  /** A copy whose memory is spoilt at once, as the shared read buffer's is by the next read. */
  #receive(piece: Buffer): void {
    const shared = Buffer.from(piece)
    this.connection.receive(shared)
    shared.fill(0xee)
  }

  #noteRead(bytes: number): void {
    this.#reads.push({ at: this.#world.now(), bytes })
    if (this.#reads.length > readsKept) this.#reads.shift()
    this.#readBytes += bytes
    const packets = this.#peer?.packets ?? []
    let whole = 0
    while ((packets[whole]?.end ?? Number.POSITIVE_INFINITY) <= this.#readBytes) whole++
    if (whole === 0) return
    for (const { payload } of packets.splice(0, whole)) if (payload !== undefined) this.tap?.heard(payload)
    const now = this.#world.now()
    if (now - this.heardAt > longGapMs) this.#gaps.push({ at: now, ms: now - this.heardAt })
    this.heardAt = now
    this.heardAtOwn = this.process.now()
    this.wrote = []
  }

  #taken(bytes: number): void {
    this.tookAt = this.#world.now()
    this.tookAtOwn = this.process.now()
    this.untakenSince = this.untaken > 0 ? this.tookAt : undefined
    this.#takenBytes += bytes
    this.tap?.taken(this.#takenBytes)
    this.connection.kernelTook(bytes)
  }

  #flush(): void {
    if (this.#isDestroyed) return
    const pieces = this.connection.takeOutput()
    if (pieces.length === 0) return
    const bytes = Buffer.concat(pieces)
    const before = this.packets.length
    for (const piece of pieces) this.#notePiece(piece)
    for (const { payload, end } of this.packets.slice(before)) if (payload !== undefined) this.tap?.sent(payload, end)
    if (this.wrote.length < writesKept) this.wrote.push(this.#world.now())
    this.#socket.write(bytes, () => this.process.run(() => this.#taken(bytes.length)))
    if (this.untaken > 0) this.untakenSince ??= this.#world.now()
  }

  #notePiece(piece: Uint8Array): void {
    this.#sentBytes += piece.length
    const { isLast, payload } = factsOf(piece)
    if (isLast) this.packets.push({ end: this.#sentBytes, payload })
  }
}

/** Three pieces, often short ones. */
function cutAnywhere(bytes: Buffer, random: Random): Buffer[] {
  const places = [random.below(bytes.length + 1), random.below(Math.min(bytes.length, 64) + 1)].toSorted(
    (a, b) => a - b,
  )
  const [first = 0, second = 0] = places
  const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
  return pieces.filter(({ length }) => length > 0)
}
