import { once } from 'node:events'
import type { Writable } from 'node:stream'

const piece = Buffer.alloc(64 * 1024)

/** Writes so many bytes as fast as they are taken, and ends the stream. */
export async function writeZeros(stream: Writable, bytes: number): Promise<void> {
  for (let rest = bytes; rest > 0; rest -= piece.length) {
    const isRoom = stream.write(rest >= piece.length ? piece : piece.subarray(0, rest))
    if (!isRoom) await once(stream, 'drain')
  }
  stream.end()
}
