import type { OnReadOpts } from 'node:net'
import { noteReceived } from './collections.js'

/** As much as libuv reads at once. */
const size = 64 * 1024

let shared: Buffer | undefined

/**
 * Reads into one buffer that all sockets share: what arrives is used up before the next read, so none of them needs its
 * own, and an idle connection holds no memory for it.
 */
export function readBuffer(receive: (chunk: Buffer) => void): OnReadOpts {
  shared ??= Buffer.allocUnsafeSlow(size)
  const buffer = shared
  return {
    buffer,
    callback(bytes) {
      noteReceived(bytes)
      receive(buffer.subarray(0, bytes))
      return true
    },
  }
}
