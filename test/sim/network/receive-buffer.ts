import type { OutagePlan } from '../plan.js'
import type { World } from '../world.js'
import type { Direction } from './path.js'
import type { Segment } from './send-buffer.js'

/** Below this much room a sender may stand still, and wants to hear when there is more. */
const tightRoom = 32_768

/**
 * What a kernel has received and nobody has read; before it, perhaps, a relay, which takes the bytes as any kernel would
 * and then holds them back, or swallows them.
 */
export class ReceiveBuffer {
  readonly #capacity: number
  readonly #relays: readonly OutagePlan[]
  #queue: Buffer[] = []
  /** What came while something before it was missing, by its place. */
  readonly #early = new Map<number, Segment>()
  readonly #held: Segment[] = []
  readonly #releases = new Set<number>()
  #unread = 0
  #isFinished = false
  /** Up to where the stream has come without a gap. */
  position = 0

  constructor(capacity: number, outages: readonly OutagePlan[], direction: Direction) {
    this.#capacity = capacity
    this.#relays = outages.filter(({ how, which }) => how !== 'dropped' && (which === 'both' || which === direction))
  }

  get unread(): number {
    return this.#unread
  }

  get isFinished(): boolean {
    return this.#isFinished
  }

  get edge(): number {
    return this.position + Math.max(0, this.#capacity - this.#unread)
  }

  get isTight(): boolean {
    return this.#capacity - this.#unread < tightRoom
  }

  /** @returns whether there is something new to read */
  take(segment: Segment, world: World, released: () => void): boolean {
    if (segment.start > this.position) this.#early.set(segment.start, segment)
    if (segment.start !== this.position || segment.end === segment.start) return false
    const isNew = this.#append(segment, world, released)
    const next = this.#early.get(this.position)
    this.#early.delete(this.position)
    return (next !== undefined && this.take(next, world, released)) || isNew
  }

  /** Whether it has come, in its place or ahead of others. */
  has({ start, end }: Segment): boolean {
    return end <= this.position || this.#early.has(start)
  }

  #append(segment: Segment, world: World, released: () => void): boolean {
    this.position = segment.end
    const relay = this.#relayAt(world.now())
    if (relay === undefined && this.#held.length === 0) {
      this.#queueUp(segment)
      return true
    }
    if (relay?.how !== 'swallowed') this.#held.push(segment)
    if (relay !== undefined) this.#awaitRelease(relay, world, released)
    return false
  }

  read(): Buffer[] {
    const queue = this.#queue
    this.#queue = []
    this.#unread = 0
    return queue
  }

  #queueUp({ bytes, isLast }: Segment): void {
    if (isLast) this.#isFinished = true
    this.#queue.push(bytes)
    this.#unread += bytes.length
  }

  /** Whoever swallows has the last word. */
  #relayAt(now: number): OutagePlan | undefined {
    const active = this.#relays.filter((each) => holdsBack(each, now))
    return active.find(({ how }) => how === 'swallowed') ?? active[0]
  }

  /** What one relay lets go another may hold back. */
  #awaitRelease({ how, to }: OutagePlan, world: World, released: () => void): void {
    if (how === 'swallowed' || to === null || this.#releases.has(to)) return
    this.#releases.add(to)
    world.at(to, () => {
      const next = this.#relayAt(world.now())
      if (next?.how === 'held') return this.#awaitRelease(next, world, released)
      for (const held of this.#held.splice(0)) this.#queueUp(held)
      released()
    })
  }
}

/** What was swallowed leaves a gap that no stream gets over, so nothing after it is passed on either. */
function holdsBack({ from, to, how }: OutagePlan, now: number): boolean {
  return from <= now && (how === 'swallowed' || to === null || now < to)
}
