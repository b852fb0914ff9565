import { Random } from '../support/core/random.js'

/** A prime, so that no piece of a usual size comes again at its own multiples. */
const period = 65_521
const once = new Random(1).bytes(period)
const bytes = Buffer.concat([once, once])

/** At most this much at once. */
export const pieceMax = 32_768

/** The bytes at a place of a stream that everybody knows by heart: any that is lost, doubled or moved shows. */
export function pattern(stream: number, offset: number, size: number): Buffer {
  const start = (offset + stream * 7919) % period
  return bytes.subarray(start, start + size)
}

/** Whether these are the bytes of that place. */
export function matches(stream: number, offset: number, piece: Buffer): boolean {
  for (let at = 0; at < piece.length; at += pieceMax) {
    const part = piece.subarray(at, at + pieceMax)
    if (!part.equals(pattern(stream, offset + at, part.length))) return false
  }
  return true
}

/** The stream of a command's output, of its standard error, and of its input. */
export const streamOf = {
  stdout: (command: number) => 3 * command,
  stderr: (command: number) => 3 * command + 1,
  stdin: (command: number) => 3 * command + 2,
}
