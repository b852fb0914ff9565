import type { Tone } from '../terminal/text.js'
import type { Lane } from './lane.js'
import { notReported, windowMs } from './scale.js'
import { within } from './within.js'

/** Something that a lane did or came to know. */
export interface TrackEvent {
  /** Since the scene began. */
  readonly atMs: number
  readonly text: string
  readonly tone: Tone
}

/** What the library told, and how long it took; undefined where it told nothing within the time it was given. */
export type Report = { readonly ms: number; readonly text: string } | undefined

export interface TrackOptions {
  /** Since the scene began. */
  readonly now: () => number
  readonly signal: AbortSignal
  readonly noted: (track: Track, event: TrackEvent) => void
}

/** What happens in one lane in one scene. */
export class Track {
  readonly lane: Lane
  readonly events: TrackEvent[] = []
  readonly #options: TrackOptions
  #waitingSince: number | undefined
  #isOver = false

  constructor(lane: Lane, options: TrackOptions) {
    this.lane = lane
    this.#options = options
  }

  /** For how long a report has been waited for; undefined while none is. */
  get waitingMs(): number | undefined {
    return this.#waitingSince === undefined ? undefined : this.#options.now() - this.#waitingSince
  }

  get isOver(): boolean {
    return this.#isOver
  }

  note(text: string, tone: Tone = 'plain'): void {
    if (this.#isOver) return
    const event = { atMs: this.#options.now(), text, tone }
    this.events.push(event)
    this.#options.noted(this, event)
  }

  /** Waits until the library tells the program something, and measures how long that takes. */
  async report(told: Promise<string>): Promise<Report> {
    const { now, signal } = this.#options
    const since = now()
    this.#waitingSince = since
    const text = await within(told, windowMs, signal)
    const ms = now() - since
    this.#waitingSince = undefined
    this.note(text ?? notReported, text === undefined ? 'bad' : 'good')
    return text === undefined ? undefined : { ms, text }
  }

  /** Nothing that comes later belongs to the scene: the stage is being taken down. */
  end(): void {
    this.#isOver = true
  }
}
