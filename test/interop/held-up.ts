import { setTimeout as sleep } from 'node:timers/promises'
import type { Tunnel } from 'holdfast'

/** How many bytes have come through the tunnel when no more come, since nobody reads them. */
export async function bytesUntilHeldUp(tunnel: Tunnel): Promise<number> {
  let last = -1
  while (last !== tunnel.bytesRead) {
    last = tunnel.bytesRead
    await sleep(200)
  }
  return last
}
