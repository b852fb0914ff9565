/** A TCP socket that listens for nothing and is not only waiting for its number to be free again (TIME-WAIT). */
export interface SocketInfo {
  /** As ss(8) has it: `ESTAB`, `FIN-WAIT-1`, … */
  readonly state: string
  /** Address and port, as `198.18.3.1:22`. */
  readonly local: string
  readonly peer: string
  /** Bytes that were received and not read yet. */
  readonly unread: number
  /** Bytes that were written and not acknowledged yet. */
  readonly unacknowledged: number
}

/** With these, ss(8) prints what `parseSockets()` reads. */
export const socketsCommand = 'ss -Htn'

export function parseSockets(output: string): readonly SocketInfo[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [state = '', unread, unacknowledged, local = '', peer = ''] = line.split(/ +/)
      return {
        state,
        local: plain(local),
        peer: plain(peer),
        unread: Number(unread),
        unacknowledged: Number(unacknowledged),
      }
    })
}

/** A server that listens on IPv6 sees the same addresses in brackets. */
function plain(endpoint: string): string {
  return endpoint.replace(/^\[::ffff:(.*)\]/, '$1')
}
