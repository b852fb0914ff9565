import { depthFor, leastSize } from './depth.js'
import type { Flow } from './flow.js'

/** Where bytes are read from. */
export interface ReadSource {
  /** What one request may ask for, in bytes. */
  readonly maxRead: number
  readonly flow: Pick<Flow, 'readerBytes' | 'firstBytes' | 'join' | 'leave'>
  /** At most so many bytes, at least one; undefined at the end. */
  readAt(offset: number, length: number, signal: AbortSignal | undefined): Promise<Buffer | undefined>
}

export interface ReadRange {
  readonly start: number
  /** The first byte that is not wanted. */
  readonly end: number
  readonly signal?: AbortSignal | undefined
  /** How much is sure to be there: for that much nobody waits to see whether the file goes on. @default nothing */
  readonly known?: number | undefined
  /** How much the server says that there is, once it has. What ends there is not asked whether it goes on. */
  readonly size?: () => number | undefined
}

interface Piece {
  readonly offset: number
  readonly length: number
  readonly bytes: Promise<Buffer | undefined>
  /** What the promise brought, once it has. */
  came: Buffer | undefined
}

/**
 * So many pieces at most are handed on together, and asked for together: a thread is woken for each call that saves some, the
 * server for each packet that asks for some. 0.9 of the processor time of a large file.
 */
const mostTogether = 4

/**
 * Reads a range in order, with several requests under way: one at first, and twice as many whenever some were answered in
 * full, so that a small file costs few requests and a large one no waiting for round trips; never more than the link is worth.
 * The first goes out at once.
 */
export function readAhead(source: ReadSource, range: ReadRange): AsyncGenerator<Buffer> {
  return onePieceAtATime(readTogether(source, range))
}

async function* onePieceAtATime(all: AsyncGenerator<readonly Buffer[]>): AsyncGenerator<Buffer> {
  for await (const pieces of all) yield* pieces
}

/** The same, but all that came in order by the time that somebody asks for more is given at once. */
export function readTogether(source: ReadSource, range: ReadRange): AsyncGenerator<readonly Buffer[]> {
  const { start, end, signal } = range
  const first = start < end ? ask(source, start, firstLength(source, range), signal) : undefined
  return readOn(source, range, first)
}

/** What is known to fit into one request is asked for by it, and a byte more to see that it ends there. */
export function firstLength(
  { maxRead, flow }: Pick<ReadSource, 'maxRead'> & { readonly flow: Pick<Flow, 'firstBytes'> },
  { start, end, known = 0 }: Pick<ReadRange, 'start' | 'end' | 'known'>,
): number {
  const all = Math.min(end, known > start ? known + 1 : end) - start
  return Math.min(maxRead, all <= maxRead ? all : Math.max(leastSize, flow.firstBytes))
}

async function* readOn(
  source: ReadSource,
  range: ReadRange,
  first: Piece | undefined,
): AsyncGenerator<readonly Buffer[]> {
  const { flow } = source
  flow.join()
  try {
    yield* readPieces(source, range, first)
  } finally {
    flow.leave()
  }
}

async function* readPieces(
  source: ReadSource,
  { start, end, signal, size, known = 0 }: ReadRange,
  first: Piece | undefined,
): AsyncGenerator<readonly Buffer[]> {
  const { flow, maxRead } = source
  const pieces = first === undefined ? [] : [first]
  let next = start + (first?.length ?? 0)
  let depth = known > next ? 1 + Math.ceil((known - next) / maxRead) : 1
  for (;;) {
    const maxDepth = depthFor(flow.readerBytes, maxRead)
    const wanted = Math.min(depth, maxDepth)
    // Some at a time: what is asked for in one turn leaves in one packet, and wakes the server once.
    if (pieces.length + Math.min(mostTogether, Math.ceil(wanted / 2)) <= wanted)
      while (next < end && pieces.length < wanted) {
        const piece = ask(source, next, Math.min(maxRead, end - next), signal)
        pieces.push(piece)
        next += piece.length
      }
    const piece = pieces.shift()
    const bytes = await piece?.bytes
    if (piece === undefined || bytes === undefined) return
    // A server may answer with less than was asked for: the rest comes before all else.
    const missing = piece.length - bytes.length
    const endsAt = piece.offset + bytes.length
    const isEnd = missing > 0 && endsAt === size?.()
    if (missing > 0 && !isEnd) pieces.unshift(ask(source, endsAt, missing, signal))
    else depth = Math.min(depth * 2, maxDepth)
    yield missing > 0 ? [bytes] : [bytes, ...takeWhole(pieces, mostTogether - 1)]
    if (isEnd) return
  }
}

/** Takes those that came in full, up to the first that has not. */
function takeWhole(pieces: Piece[], most: number): readonly Buffer[] {
  const whole: Buffer[] = []
  for (const { came, length } of pieces) {
    if (whole.length === most || came === undefined || came.length < length) break
    whole.push(came)
  }
  pieces.splice(0, whole.length)
  return whole
}

function ask(source: ReadSource, offset: number, length: number, signal: AbortSignal | undefined): Piece {
  const bytes = source.readAt(offset, length, signal)
  const piece: Piece = { offset, length, bytes, came: undefined }
  // Nobody may come to wait for it: an earlier one fails, or the file ends there.
  bytes.then(
    (came) => void (piece.came = came),
    () => {},
  )
  return piece
}
