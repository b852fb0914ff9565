/** A process that has received less is not worth it. */
const busyBytes = 16 * 1024 * 1024
const weightBytes = 4 * 1024 * 1024

/** Where V8 is that of Node 20, as far as this is concerned: see `release.ts`. */
const isNeeded = !('transfer' in ArrayBuffer.prototype)

let received = 0
let weight: readonly number[] | undefined

/**
 * V8 of Node 20 goes through all that a program keeps once what came since exceeds some multiple of that. A small program,
 * with less than about 12 MB, is below the 32 MB of buffers that it lets come before it looks at new objects alone: of a
 * download that was a quarter of the processor time. So such a process keeps numbers, which cost nothing to go through.
 */
export function noteReceived(bytes: number): void {
  if (!isNeeded || weight !== undefined) return
  received += bytes
  if (received >= busyBytes) weight = Array.from({ length: weightBytes / 8 }, () => 0.5)
}
