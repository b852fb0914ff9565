import { encodeSignal } from './channel-requests.js'
import type { Peer } from './peer.js'

/** What programs reach for in `client._protocol`. */
export class ProtocolFace {
  readonly #peer: Peer

  constructor(peer: Peer) {
    this.#peer = peer
  }

  get _remoteIdentRaw(): string | undefined {
    return this.#peer.connection?.words.identification?.line.toString('latin1')
  }

  /** @param id the number that the channel has at the server */
  signal(id: number, name: string): void {
    for (const channel of this.#peer.connection?.channels ?? [])
      if (channel.remoteId === id) channel.notify('signal', encodeSignal(name))
  }

  /** Asks the server for a sign of life. */
  ping(): void {
    const { connection } = this.#peer
    connection?.keepalive.probeNow(
      connection.now(),
      () => {},
      () => {},
    )
  }
}
