/** Smaller ones are not worth the call. */
const smallest = 4096
/** What is around the bytes of a packet: its head, and its padding of up to 255. */
const mostAround = 512

const transfer: unknown = Reflect.get(ArrayBuffer.prototype, 'transfer')

/**
 * Gives the memory of a buffer back at once, which was made for it alone, and which nobody looks at any more. Left to the
 * collector of garbage it is found only by going through all that the program keeps: from Node 22 on that was up to half
 * of the time of a transfer. Node 20 cannot do it, and collects young buffers more cheaply.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  // Node's pool, in which others have their bytes too, cannot be given back; a program that sets Buffer.poolSize gets more of it.
  const isOwn = buffer.byteLength - byteLength < mostAround
  if (isOwn && byteLength >= smallest && typeof transfer === 'function') Reflect.apply(transfer, buffer, [0])
}
