import type { Socket, TcpNetConnectOpts } from 'node:net'
import { discard } from '../socket/stream.js'
import type { Conditions, Direction } from './conditions.js'
import { Lane } from './lane.js'

/**
 * - `open`: bytes go both ways, as the conditions of the moment allow.
 * - `forgotten`: the network no longer knows the flow: whatever its ends send is thrown away, for ever.
 * - `broken`: bytes of it were thrown away, so that nothing that follows them can be delivered, for ever.
 */
export type FlowState = 'open' | 'forgotten' | 'broken'

/** One connection through the relay, as `BadNetwork.connections` lists it. */
export interface FlowInfo {
  /** The port from which the client connected to the relay. */
  readonly clientPort: number
  readonly state: FlowState
  /** Milliseconds since a byte last came in from either end. */
  readonly idleMs: number
  /** Bytes on their way: delayed, waiting for a slow link, or stalled. */
  readonly inTransit: Readonly<Record<Direction, number>>
  /** Bytes handed on, and bytes thrown away. */
  readonly passed: Readonly<Record<Direction, number>>
  readonly dropped: Readonly<Record<Direction, number>>
}

export interface FlowOptions {
  readonly client: Socket
  /** Not connected yet. */
  readonly server: Socket
  readonly conditions: Readonly<Record<Direction, Conditions>>
  /** Milliseconds of silence after which the network forgets a flow; undefined: it never does. */
  idleLimitMs(): number | undefined
  /** Both ends are closed. */
  ended(flow: Flow): void
}

/** One connection through the relay: two sockets, and a lane each way. */
export class Flow {
  readonly #options: FlowOptions
  readonly #clientPort: number
  readonly #lanes: Readonly<Record<Direction, Lane>>
  #lastByteAt = performance.now()
  #forgotten = false

  constructor(options: FlowOptions) {
    this.#options = options
    const { client, server, conditions } = options
    this.#clientPort = client.remotePort ?? 0
    const admit = () => this.#admit()
    this.#lanes = {
      toServer: new Lane({ source: client, destination: server, conditions: conditions.toServer, admit }),
      toClient: new Lane({ source: server, destination: client, conditions: conditions.toClient, admit }),
    }
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('close', () => this.#closedOne())
    }
  }

  get info(): FlowInfo {
    const { toServer, toClient } = this.#lanes
    return {
      clientPort: this.#clientPort,
      state: this.#state,
      idleMs: performance.now() - this.#lastByteAt,
      inTransit: { toServer: toServer.inTransitBytes, toClient: toClient.inTransitBytes },
      passed: { toServer: toServer.passedBytes, toClient: toClient.passedBytes },
      dropped: { toServer: toServer.droppedBytes, toClient: toClient.droppedBytes },
    }
  }

  /** Connects to the server, unless that was done before. What the client sent meanwhile, if it is lost, stays lost. */
  connect(to: TcpNetConnectOpts): void {
    const { server } = this.#options
    if (server.pending && !server.connecting && !server.destroyed) server.connect(to)
  }

  /** The network loses its memory of this flow. */
  forget(): void {
    this.#forgotten = true
  }

  /** The conditions are others now. */
  changed(): void {
    for (const lane of Object.values(this.#lanes)) lane.changed()
  }

  /** Whatever is on its way has arrived. */
  hurry(): void {
    for (const lane of Object.values(this.#lanes)) lane.hurry()
  }

  reset(): void {
    for (const socket of this.#sockets) resetSocket(socket)
  }

  /** Lets go of both ends. Resolves once the sockets are closed. */
  async close(): Promise<void> {
    for (const lane of Object.values(this.#lanes)) lane.close()
    await Promise.all(this.#sockets.map(closeSocket))
  }

  get #sockets(): readonly Socket[] {
    return [this.#options.client, this.#options.server]
  }

  get #state(): FlowState {
    if (this.#isForgotten) return 'forgotten'
    return this.#lanes.toServer.hasHole || this.#lanes.toClient.hasHole ? 'broken' : 'open'
  }

  get #isForgotten(): boolean {
    const limit = this.#options.idleLimitMs()
    return this.#forgotten || (limit !== undefined && performance.now() - this.#lastByteAt >= limit)
  }

  /** Looks at the clock when a byte comes, as a NAT does, so that no timer is needed to forget. */
  #admit(): boolean {
    this.#forgotten = this.#isForgotten
    this.#lastByteAt = performance.now()
    return !this.#forgotten
  }

  #closedOne(): void {
    const { client, server } = this.#options
    if (client.closed && server.pending) server.destroy()
    if (!client.closed || !server.closed) return
    for (const lane of Object.values(this.#lanes)) lane.close()
    this.#options.ended(this)
  }
}

/** One that is connecting is reset once it did: its peer may have accepted it already. */
function resetSocket(socket: Socket): void {
  if (socket.connecting) socket.resetAndDestroy()
  else discard(socket)
}

/** Not `once()`, which rejects when the socket fails on its way to being closed. */
function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    socket.on('close', () => resolve())
    resetSocket(socket)
  })
}
