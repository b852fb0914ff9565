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
  readonly #held: Segment[] = []
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
    if (segment.start !== this.position || segment.end === segment.start) return false
    this.position = segment.end
    const relay = this.#relays.find((each) => holdsBack(each, world.now()))
    if (relay === undefined) this.#queueUp(segment)
    else this.#delay(segment, relay, world, released)
    return relay === undefined
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

  #delay(segment: Segment, { how, to }: OutagePlan, world: World, released: () => void): void {
    if (how === 'swallowed' || to === null) return
    this.#held.push(segment)
    if (this.#held.length > 1) return
    world.at(to, () => {
      for (const held of this.#held.splice(0)) this.#queueUp(held)
      released()
    })
  }
}

/** What was swallowed leaves a gap that no stream gets over, so nothing after it is passed on either. */
function holdsBack({ from, to, how }: OutagePlan, now: number): boolean {
  return from <= now && (how === 'swallowed' || to === null || now < to)
}
