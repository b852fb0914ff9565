import type { Performance } from './performance.js'
import type { Track, TrackEvent } from './track.js'

/** Who shows what happens. */
export interface View {
  /** A scene comes to the fore. */
  begin(performance: Performance): void
  /** Something happened, in this scene or in one before it whose silent lanes are still waited for. */
  noted(performance: Performance, track: Track, event: TrackEvent): void
  /** The scene leaves the fore. */
  end(): void
  /** Nothing more is shown. */
  stop(): void
}
