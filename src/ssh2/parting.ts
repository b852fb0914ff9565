import type { Socket } from 'node:net'

interface Parting {
  /** Milliseconds that the peer has to close its side, and then the socket is reset; it has 2 s where they are more. */
  readonly limitMs: number
  /** Whether the process is to run on until then. */
  readonly keepsRunning: boolean
}

/**
 * Calls back once a socket that was let go of is closed, as ssh2 tells of no end before: at once, but for one that has said
 * goodbye and whose peer has not.
 */
export function whenParted(socket: Socket | undefined, { limitMs, keepsRunning }: Parting, gone: () => void): void {
  if (socket === undefined || socket.destroyed || !socket.writableEnded || limitMs <= 0) {
    gone()
    return
  }
  socket.once('close', gone)
  socket.setTimeout(Math.max(1, Math.min(socket.timeout ?? limitMs, limitMs)))
  if (keepsRunning) socket.ref()
}
