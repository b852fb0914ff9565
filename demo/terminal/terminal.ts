import process from 'node:process'
import type { Line, Tone } from './text.js'

const escape = '\u001b['
/** Of SGR (ECMA-48 section 8.3.117). Not `styleText`, which from Node 22.13 on looks at stdout whatever the screen is. */
const codes: Readonly<Record<Tone, readonly [on: number, off: number] | undefined>> = {
  plain: undefined,
  bold: [1, 22],
  dim: [2, 22],
  bad: [31, 39],
  good: [32, 39],
  waiting: [33, 39],
}
/** What is wider is harder to read. */
const maxWidth = 110

/** What a terminal needs of the stream it is; `process.stdout` has it. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns: number
  readonly rows: number
  /** Knows of NO_COLOR. Only a TTY has it. */
  hasColors(): boolean
  write(text: string): unknown
}

/** Lines on a stream: some stay, some are drawn again and again below those. Without a terminal, all lines stay. */
export class Terminal {
  /** Whether what was drawn can be drawn over. */
  readonly isLive: boolean
  readonly #screen: Screen
  readonly #hasColors: boolean
  #drawn = 0

  constructor(screen: Screen) {
    this.#screen = screen
    this.isLive = screen.isTTY === true && process.env['TERM'] !== 'dumb'
    this.#hasColors = this.isLive && screen.hasColors()
  }

  /** Columns. The last stays free: some terminals begin a new line once it is written. */
  get width(): number {
    return Math.min(this.isLive ? this.#screen.columns : 80, maxWidth) - 1
  }

  /** Lines that stay. */
  print(lines: readonly Line[]): void {
    this.#write(lines)
    this.#drawn = 0
  }

  /** Lines that stay until others are drawn or printed. */
  draw(lines: readonly Line[]): void {
    if (!this.isLive) return
    // What has scrolled away cannot be drawn over.
    const visible = lines.slice(0, this.#screen.rows - 1)
    this.#write(visible)
    this.#drawn = visible.length
  }

  #write(lines: readonly Line[]): void {
    const back = this.#drawn > 0 ? `${escape}${this.#drawn}A\r${escape}J` : ''
    this.#screen.write(back + lines.map((line) => `${this.#paint(line)}\n`).join(''))
  }

  #paint(line: Line): string {
    const painted = line.map(({ text, tone }) => {
      const code = this.#hasColors ? codes[tone] : undefined
      return code === undefined ? text : `${escape}${code[0]}m${text}${escape}${code[1]}m`
    })
    return painted.join('').trimEnd()
  }
}
