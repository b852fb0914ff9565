/** What a piece of text says besides its words. */
export type Tone = 'plain' | 'dim' | 'bold' | 'good' | 'bad' | 'waiting'

export interface Span {
  readonly text: string
  readonly tone: Tone
}

/** One line of a terminal. All texts here take one column a character. */
export type Line = readonly Span[]

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone }
}

/** Fills a line with blanks up to a width. */
export function padLine(line: Line, width: number): Line {
  const missing = width - line.reduce((length, { text }) => length + text.length, 0)
  return missing > 0 ? [...line, span(' '.repeat(missing))] : line
}

/** Breaks a text at its blanks, into lines that are no wider than this; a word that is wider is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= width) line = longer
    else {
      if (line !== '') lines.push(line)
      line = word.slice(0, width)
    }
  }
  return [...lines, line]
}
