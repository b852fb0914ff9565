import type { Terminal } from '../terminal/terminal.js'
import { type Line, span, type Tone, wrap } from '../terminal/text.js'

const redrawMs = 100
const timeWidth = 10

/** What happens, a line each with the time, and below them on a terminal what holds at this moment. */
export class Journal {
  readonly #terminal: Terminal
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  #status: (() => string) | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    this.#timer = setInterval(() => this.#draw(), redrawMs)
  }

  note(text: string, tone: Tone = 'plain'): void {
    this.#terminal.print(this.#lines(text, tone))
  }

  /** What the last line shows from now on. */
  show(status: () => string): void {
    this.#status = status
    this.#draw()
  }

  /** Somebody else is about to write: makes room until the next `show` or redraw. */
  makeRoom(): void {
    this.#terminal.draw([])
  }

  /** The last line stays empty until the next `show`. */
  hide(): void {
    this.#status = undefined
    this.makeRoom()
  }

  close(): void {
    clearInterval(this.#timer)
    this.hide()
  }

  #draw(): void {
    if (this.#status === undefined) return
    this.#terminal.draw(this.#lines(this.#status(), 'waiting'))
  }

  #lines(text: string, tone: Tone): Line[] {
    const time = `${((performance.now() - this.#startedAt) / 1000).toFixed(2).padStart(timeWidth - 4)} s  `
    return wrap(text, this.#terminal.width - timeWidth).map((line, index) => [
      span(index === 0 ? time : ' '.repeat(timeWidth), 'dim'),
      span(line, tone),
    ])
  }
}
