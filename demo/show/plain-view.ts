import type { Terminal } from '../terminal/terminal.js'
import { span } from '../terminal/text.js'
import type { Performance } from './performance.js'
import type { Track, TrackEvent } from './track.js'
import type { View } from './view.js'

const nameWidth = 18

/** One line for each thing that happens: for files, pipes and logs. */
export class PlainView implements View {
  readonly #terminal: Terminal

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  begin({ number, scene }: Performance): void {
    this.#terminal.print([[], [span(`Scene ${number}: ${scene.title}`)]])
  }

  noted({ number }: Performance, { lane }: Track, { atMs, text }: TrackEvent): void {
    const seconds = (atMs / 1000).toFixed(2).padStart(6)
    this.#terminal.print([[span(`  ${number} ${seconds} s  ${lane.name.padEnd(nameWidth)}${text}`)]])
  }

  end(): void {}

  stop(): void {
    this.#terminal.print([[]])
  }
}
