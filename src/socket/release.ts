import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** Smaller ones are not worth the call. */
const smallest = 4096
/** What is around the bytes of a packet: its head, and its padding of up to 255. */
const mostAround = 512

const transfer: unknown = Reflect.get(ArrayBuffer.prototype, 'transfer')

/** Node 20 has no `transfer`. What is posted to a port that is closed leaves its sender, and is freed at once. */
const nowhere = typeof transfer === 'function' ? undefined : closedPort()

/**
 * Gives the memory of a buffer back at once, which was made for it alone, and which nobody looks at any more. Left to the
 * collector of garbage it is found only by going through all that the program keeps: that was up to half of the time of a
 * transfer.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  // Node's pool, in which others have their bytes too, cannot be given back; a program that sets Buffer.poolSize gets more of it.
  const isOwn = buffer.byteLength - byteLength < mostAround
  if (!isOwn || byteLength < smallest || !(buffer instanceof ArrayBuffer)) return
  if (typeof transfer === 'function') Reflect.apply(transfer, buffer, [0])
  else nowhere?.postMessage(undefined, [buffer])
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}
