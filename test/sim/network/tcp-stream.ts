import type { Random } from '../../support/core/random.js'
import type { LinkPlan, OutagePlan } from '../plan.js'
import type { Happening, World } from '../world.js'
import { type Direction, opposite, type Path } from './path.js'
import { ReceiveBuffer } from './receive-buffer.js'
import { type Segment, SendBuffer } from './send-buffer.js'

export interface TcpStreamOptions {
  readonly world: World
  readonly random: Random
  readonly path: Path
  readonly link: LinkPlan
  readonly outages: readonly OutagePlan[]
  readonly direction: Direction
}

/** Linux: net.ipv4.tcp_retries2, and the longest wait between two of them (TCP_RTO_MAX). */
const triesMax = 15
const longestRtoMs = 120_000
/** RFC 6298 has a second at the least; Linux 200 ms. */
const leastRtoMs = 200
/** Of losses by chance. More in a row, or at the end of an outage, and the link would be out rather than lossy. */
const lossesInARowMax = 2

/**
 * The first wait before a lost segment is sent again: what the link needs for there and back, and as much again. What a
 * fault that heals costs beyond twice its length.
 */
export function retransmitMs({ latencyMs, jitterMs }: LinkPlan): number {
  return leastRtoMs + 2 * (2 * latencyMs + jitterMs)
}

/**
 * One direction of a TCP connection: a kernel that sends, and one that receives. A segment that is lost stops the stream
 * until it is sent again, after a time that doubles with every try (RFC 6298 section 5.5): so a fault of length L may
 * hold up the stream for L more after it has healed.
 */
export class TcpStream {
  readonly #options: TcpStreamOptions
  readonly #sending: SendBuffer
  readonly #receiving: ReceiveBuffer
  /** The window's right edge, as the receiver last told it. */
  #edge: number
  readonly #underWay = new Set<Segment>()
  #linkFreeAt = 0
  #lastArrivalAt = 0
  #lossesInARow = 0
  /** Set while the stream stands and waits to send again. */
  #timer: Happening | undefined
  /** In a row without an answer of the other kernel. */
  #tries = 0
  #backoff = 0
  #isStopped = false
  #isAbandoned = false
  onReadable: () => void = () => {}
  /** Something came for an end that is closed. */
  onUnwanted: () => void = () => {}
  onGivenUp: () => void = () => {}

  constructor(options: TcpStreamOptions) {
    const { link, outages, direction } = options
    this.#options = options
    this.#sending = new SendBuffer(link.sendBuffer)
    this.#receiving = new ReceiveBuffer(link.receiveBuffer, outages, direction)
    this.#edge = link.receiveBuffer
  }

  write(bytes: Buffer, taken: () => void): void {
    if (this.#isStopped) return
    this.#sending.write(bytes, taken)
    this.#transmit()
  }

  get untaken(): number {
    return this.#sending.untaken
  }

  finish(): void {
    this.#sending.finish()
    this.#transmit()
  }

  /** The sender is gone. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** Nobody reads any more. */
  abandon(): void {
    this.#isAbandoned = true
  }

  get hasUnread(): boolean {
    return this.#receiving.unread > 0
  }

  get isFinished(): boolean {
    return this.#receiving.isFinished && this.#receiving.unread === 0
  }

  read(): Buffer[] {
    const wasTight = this.#receiving.isTight
    const bytes = this.#receiving.read()
    if (wasTight && bytes.length > 0) this.#acknowledge()
    return bytes
  }

  #transmit(): void {
    if (this.#isStopped) return
    while (this.#timer === undefined) {
      const segment = this.#sending.next(this.#edge, this.#segmentMax)
      if (segment === undefined) break
      this.#send(segment)
    }
    const isBlocked = this.#sending.hasUnsent && !this.#sending.hasFlight
    if (isBlocked && this.#timer === undefined) this.#wait(0)
  }

  get #segmentMax(): number {
    const { bytesPerMs } = this.#options.link
    return bytesPerMs === null ? 32_768 : Math.max(1448, Math.min(32_768, 50 * bytesPerMs))
  }

  #send(segment: Segment): void {
    const { world, random, path, link, direction } = this.#options
    const now = world.now()
    const onLinkMs = link.bytesPerMs === null ? 0 : segment.bytes.length / link.bytesPerMs
    this.#linkFreeAt = Math.max(this.#linkFreeAt, now) + onLinkMs
    if (!path.passes(direction, now) || this.#isLostByChance()) return this.#wait(this.#linkFreeAt - now)
    const jitterMs = link.jitterMs === 0 ? 0 : random.below(link.jitterMs)
    this.#lastArrivalAt = Math.max(this.#lastArrivalAt, this.#linkFreeAt + link.latencyMs + jitterMs)
    this.#underWay.add(segment)
    world.at(this.#lastArrivalAt, () => this.#arrive(segment))
  }

  #isLostByChance(): boolean {
    const { random, link } = this.#options
    const isSpared = this.#lossesInARow >= lossesInARowMax || this.#backoff > lossesInARowMax
    if (link.lossEvery === null || isSpared || !random.once(link.lossEvery)) {
      this.#lossesInARow = 0
      return false
    }
    this.#lossesInARow++
    return true
  }

  #arrive(segment: Segment): void {
    const { world, path, direction } = this.#options
    this.#underWay.delete(segment)
    if (!path.passes(direction, world.now())) return this.#wait(0)
    if (this.#isAbandoned) return this.onUnwanted()
    const isNew = this.#receiving.take(segment, world, () => this.onReadable())
    this.#acknowledge()
    if (isNew) this.onReadable()
  }

  #acknowledge(): void {
    const { world, path, link, direction } = this.#options
    const { position, edge } = this.#receiving
    const back = opposite(direction)
    if (!path.passes(back, world.now())) return this.#wait(0)
    world.after(link.latencyMs, () => {
      if (path.passes(back, world.now())) this.#acknowledged(position, edge)
      else this.#wait(0)
    })
  }

  #acknowledged(position: number, edge: number): void {
    if (this.#isStopped) return
    const opens = edge > this.#edge
    this.#edge = Math.max(this.#edge, edge)
    this.#tries = 0
    const isNews = this.#sending.acknowledged(position) || opens
    if (isNews) this.#backoff = 0
    if (isNews || this.#sending.isIdle) this.#resume()
    this.#transmit()
  }

  #resume(): void {
    if (this.#timer === undefined) return
    this.#timer.cancel()
    this.#timer = undefined
    // The receiver tells which of them it has (RFC 2018), so that a slow link is not filled with what is there already.
    for (const segment of this.#sending.flight())
      if (this.#timer === undefined && !this.#underWay.has(segment) && !this.#receiving.has(segment))
        this.#send(segment)
  }

  /** Stands still, and tries again later. */
  #wait(alreadyMs: number): void {
    if (this.#timer !== undefined || this.#isStopped) return
    const { world, link } = this.#options
    const waitMs = Math.min(longestRtoMs, retransmitMs(link) * 2 ** this.#backoff)
    this.#timer = world.after(alreadyMs + waitMs, () => this.#retry())
  }

  #retry(): void {
    this.#timer = undefined
    if (this.#sending.isIdle) return
    this.#tries++
    this.#backoff++
    if (this.#tries > triesMax) {
      this.stop()
      return this.onGivenUp()
    }
    this.#send(this.#sending.oldest())
    // Until something is acknowledged nothing else goes out, and this goes out again.
    this.#wait(0)
  }
}
