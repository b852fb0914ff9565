import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { OpenStream } from '../client/options.js'

/** A stream that the program gave: one that is still connecting is waited for, within the limit of the connection. */
export function streamOption(sock: Duplex): Duplex | OpenStream {
  if (!('connecting' in sock) || sock.connecting !== true) return sock
  return async (signal) => {
    await once(sock, 'connect', { signal })
    return sock
  }
}
