import { MessageChannel } from 'node:worker_threads'

const transfer: unknown = Reflect.get(ArrayBuffer.prototype, 'transfer')
const { port1: nowhere } = new MessageChannel()
nowhere.close()

const smallest = 16 * 1024

/** Frees the memory of a packet, whichever part of it is given: what V8 has to find by itself, it goes through its whole heap for. */
export function release({ buffer }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < smallest || buffer.byteLength === Buffer.poolSize) return
  // Node 20 has no transfer; what is posted to a closed port is gone as well.
  if (typeof transfer === 'function') Reflect.apply(transfer, buffer, [0])
  else nowhere.postMessage(undefined, [buffer])
}
