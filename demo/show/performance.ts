import { performance as clock } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Lane } from './lane.js'
import type { Cell, Part, Scene } from './scene.js'
import { Stage } from './stage.js'
import { Track, type TrackEvent } from './track.js'

export interface PerformanceOptions {
  readonly scene: Scene
  readonly number: number
  readonly lanes: readonly Lane[]
  /** Ends everything early. */
  readonly signal: AbortSignal
  readonly noted: (performance: Performance, track: Track, event: TrackEvent) => void
}

/** One scene, played by all lanes at once, each on a stage of its own. */
export class Performance {
  readonly scene: Scene
  readonly number: number
  readonly tracks: readonly Track[]
  readonly #signal: AbortSignal
  readonly #stages: Stage[] = []
  #startedAt = clock.now()

  constructor({ scene, number, lanes, signal, noted }: PerformanceOptions) {
    this.scene = scene
    this.number = number
    this.#signal = signal
    const options = { signal, now: () => this.elapsedMs }
    this.tracks = lanes.map(
      (lane) => new Track(lane, { ...options, noted: (track, event) => noted(this, track, event) }),
    )
  }

  /** Since the scene began. */
  get elapsedMs(): number {
    return clock.now() - this.#startedAt
  }

  /** Connects all lanes. */
  prepare(): Promise<readonly Part[]> {
    return Promise.all(this.tracks.map((track) => this.#connect(track)))
  }

  /** Plays the scene. One promise for each lane: of what was found out. */
  begin(parts: readonly Part[]): readonly Promise<readonly Cell[]>[] {
    this.#startedAt = clock.now()
    return parts.map((part) => this.#play(part))
  }

  /** Leaves nothing behind, wherever the scene is. */
  async close(): Promise<void> {
    await Promise.all(this.#stages.map((stage) => stage.close()))
  }

  async #connect(track: Track): Promise<Part> {
    const stage = await Stage.build(this.scene.network)
    this.#stages.push(stage)
    const session = await track.lane.connect(stage, (text) => track.note(text))
    return { session, stage, track, pause: (ms) => pause(ms, undefined, { signal: this.#signal }) }
  }

  async #play(part: Part): Promise<readonly Cell[]> {
    try {
      return await this.scene.play(part)
    } finally {
      part.track.end()
      await part.stage.close()
    }
  }
}
