import type { Socket } from 'node:net'
import { discard } from '../socket/stream.js'
import type { Conditions } from './conditions.js'

type Load = { readonly kind: 'data'; readonly bytes: Buffer } | { readonly kind: 'end' } | { readonly kind: 'reset' }
type InTransit = Load & { readonly at: number }

export interface LaneOptions {
  readonly source: Socket
  readonly destination: Socket
  readonly conditions: Conditions
  /** Something came out of the source. @returns whether the flow is still known, so that it may go on */
  admit(): boolean
}

/** A router's queue: what waits for a slow link. Whoever sends more waits in its own kernel. */
const queueMs = 50
/** What may be on its way over a long link: 160 MB/s at 100 ms. */
const maxInTransitBytes = 16 * 1024 * 1024

/** One direction of one connection: reads, keeps each byte for as long as the network has it, and writes, in order. */
export class Lane {
  readonly #options: LaneOptions
  readonly #inTransit: InTransit[] = []
  #inTransitBytes = 0
  /** When the slow link will have sent all that it has. */
  #linkFreeAt = 0
  #timer: NodeJS.Timeout | undefined
  #hasHole = false
  #closed = false
  #passedBytes = 0
  #droppedBytes = 0

  constructor(options: LaneOptions) {
    this.#options = options
    const { source, destination } = options
    source.on('data', (bytes) => this.#receive({ kind: 'data', bytes }))
    source.on('end', () => this.#receive({ kind: 'end' }))
    source.on('error', () => this.#receive({ kind: 'reset' }))
    destination.on('drain', () => this.changed())
    this.changed()
  }

  get inTransitBytes(): number {
    return this.#inTransitBytes
  }

  get passedBytes(): number {
    return this.#passedBytes
  }

  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /** Whether something was thrown away. No network delivers what came after a hole in a stream, so neither do we. */
  get hasHole(): boolean {
    return this.#hasHole
  }

  /** The conditions are others now, or there is room again. */
  changed(): void {
    if (this.#closed) return
    if (this.#options.conditions.passage === 'cut') this.#dropInTransit()
    this.#regulate()
    this.#arm()
  }

  /** Whatever is on its way has arrived. */
  hurry(): void {
    this.#linkFreeAt = 0
    this.#deliver(Number.POSITIVE_INFINITY)
    this.changed()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #receive(load: Load): void {
    const known = this.#options.admit()
    if (this.#closed) return
    if (!known || this.#swallows) this.#drop(load)
    else this.#send(load)
    this.changed()
  }

  get #swallows(): boolean {
    const { passage } = this.#options.conditions
    return this.#hasHole || passage === 'swallow' || passage === 'cut'
  }

  #dropInTransit(): void {
    for (const load of this.#inTransit.splice(0)) this.#drop(load)
    this.#inTransitBytes = 0
  }

  #drop(load: Load): void {
    this.#hasHole = true
    if (load.kind === 'data') this.#droppedBytes += load.bytes.length
  }

  #send(load: Load): void {
    if (load.kind !== 'data') {
      this.#enqueue(load, 0)
      return
    }
    const size = this.#sliceBytes
    for (let at = 0; at < load.bytes.length; at += size) {
      const bytes = load.bytes.subarray(at, at + size)
      this.#enqueue({ kind: 'data', bytes }, bytes.length)
    }
  }

  /** What a slow link sends in a moment arrives by itself, not with what follows it. */
  get #sliceBytes(): number {
    const { bytesPerSecond } = this.#options.conditions
    if (bytesPerSecond === undefined) return Number.POSITIVE_INFINITY
    return Math.max(1, Math.floor((bytesPerSecond * queueMs) / 2000))
  }

  #enqueue(load: Load, size: number): void {
    const { delayMs, bytesPerSecond } = this.#options.conditions
    const now = performance.now()
    const sendMs = bytesPerSecond === undefined ? 0 : (size * 1000) / bytesPerSecond
    this.#linkFreeAt = Math.max(now, this.#linkFreeAt) + sendMs
    const last = this.#inTransit.at(-1)?.at ?? 0
    this.#inTransit.push({ ...load, at: Math.max(this.#linkFreeAt + delayMs, last) })
    this.#inTransitBytes += size
    this.#deliver(now)
  }

  #deliver(now: number): void {
    while (this.#inTransit[0] !== undefined && this.#inTransit[0].at <= now) {
      if (this.#options.conditions.passage === 'stall') return
      const load = this.#inTransit.shift()
      if (load !== undefined) this.#hand(load)
    }
  }

  #hand(load: Load): void {
    const { destination } = this.#options
    switch (load.kind) {
      case 'data':
        this.#inTransitBytes -= load.bytes.length
        this.#passedBytes += load.bytes.length
        if (destination.writable) destination.write(load.bytes)
        return
      case 'end':
        if (destination.writable) destination.end()
        return
      case 'reset':
        discard(destination)
    }
  }

  #regulate(): void {
    const { source, destination, conditions } = this.#options
    const isFull = destination.writableNeedDrain || this.#inTransitBytes >= maxInTransitBytes
    const isBehind = this.#linkFreeAt - performance.now() > queueMs
    const mayRead = conditions.passage !== 'stall' && (this.#swallows || (!isFull && !isBehind))
    if (mayRead) source.resume()
    else source.pause()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const next = this.#inTransit[0]
    if (next === undefined || this.#options.conditions.passage === 'stall') return
    const now = performance.now()
    this.#timer = setTimeout(() => this.#due(), Math.max(1, Math.ceil(next.at - now)))
  }

  #due(): void {
    this.#deliver(performance.now())
    this.changed()
  }
}
