import type { Terminal } from '../terminal/terminal.js'
import { type Line, span } from '../terminal/text.js'
import { sceneBlock } from './block.js'
import type { Performance } from './performance.js'
import { windowMs } from './scale.js'
import type { View } from './view.js'

const redrawMs = 100

/** The lanes side by side, drawn anew all the time. */
export class LiveView implements View {
  readonly #terminal: Terminal
  readonly #timer: NodeJS.Timeout
  readonly #past: Performance[] = []
  #current: Performance | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    this.#timer = setInterval(() => this.#draw(), redrawMs)
  }

  begin(performance: Performance): void {
    this.#current = performance
    this.#draw()
  }

  noted(): void {
    this.#draw()
  }

  end(): void {
    const performance = this.#current
    if (performance === undefined) return
    this.#terminal.print([...sceneBlock(performance, this.#terminal.width), []])
    this.#past.push(performance)
    this.#current = undefined
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#terminal.draw([])
  }

  #draw(): void {
    const block = this.#current === undefined ? [] : [...sceneBlock(this.#current, this.#terminal.width), []]
    this.#terminal.draw([...block, ...this.#past.flatMap(stillWaiting)])
  }
}

function stillWaiting({ number, tracks }: Performance): Line[] {
  return tracks.flatMap(({ lane, waitingMs }) => {
    if (waitingMs === undefined) return []
    const seconds = `${(waitingMs / 1000).toFixed(1)} of ${windowMs / 1000} s`
    return [[span(`   scene ${number} goes on behind: ${lane.name} has reported nothing for ${seconds}`, 'waiting')]]
  })
}
