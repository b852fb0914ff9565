import { depthFor } from './depth.js'

/** Where bytes are read from. */
export interface ReadSource {
  /** What one request may ask for, in bytes. */
  readonly maxRead: number
  /** At most so many bytes, at least one; undefined at the end. */
  readAt(offset: number, length: number, signal: AbortSignal | undefined): Promise<Buffer | undefined>
}

export interface ReadRange {
  readonly start: number
  /** The first byte that is not wanted. */
  readonly end: number
  readonly signal?: AbortSignal | undefined
}

interface Piece {
  readonly offset: number
  readonly length: number
  readonly bytes: Promise<Buffer | undefined>
}

/**
 * Reads a range in order, with several requests under way: one at first, and twice as many whenever one was answered in
 * full, so that a small file costs few requests and a large one no waiting for round trips.
 */
export async function* readAhead(source: ReadSource, { start, end, signal }: ReadRange): AsyncGenerator<Buffer> {
  const maxDepth = depthFor(source.maxRead)
  const pieces: Piece[] = []
  let next = start
  let depth = 1
  for (;;) {
    while (next < end && pieces.length < depth) {
      const piece = ask(source, next, Math.min(source.maxRead, end - next), signal)
      pieces.push(piece)
      next += piece.length
    }
    const piece = pieces.shift()
    const bytes = await piece?.bytes
    if (piece === undefined || bytes === undefined) return
    // A server may answer with less than was asked for: the rest comes before all else.
    const missing = piece.length - bytes.length
    if (missing > 0) pieces.unshift(ask(source, piece.offset + bytes.length, missing, signal))
    else depth = Math.min(depth * 2, maxDepth)
    yield bytes
  }
}

function ask(source: ReadSource, offset: number, length: number, signal: AbortSignal | undefined): Piece {
  const bytes = source.readAt(offset, length, signal)
  // Nobody may come to wait for it: an earlier one fails, or the file ends there.
  bytes.catch(() => {})
  return { offset, length, bytes }
}
