import type { Channel, ChannelSink } from '#src/connection/channel.js'
import type { Wire } from '../../sim/machine/party.js'
import type { Socket, SocketOwner } from '../../sim/network/tcp.js'

/** One end of a channel that carries another connection, as the socket of that connection. */
export class Tunnel implements Wire, ChannelSink {
  readonly #channel: Channel
  readonly #unread: Buffer[] = []
  #owner: SocketOwner | undefined
  readonly end = undefined

  constructor(channel: Channel) {
    this.#channel = channel
  }

  get untaken(): number {
    return this.#channel.queuedBytes
  }

  ownedBy(owner: SocketOwner): void {
    this.#owner = owner
  }

  write(bytes: Buffer, taken: () => void): void {
    this.#channel.write(bytes, taken)
  }

  read(): Buffer[] {
    const bytes = this.#unread.splice(0)
    for (const { length } of bytes) this.#channel.consumed(length)
    return bytes
  }

  data(bytes: Buffer): void {
    this.#unread.push(Buffer.from(bytes))
    this.#owner?.readable()
  }

  request(): boolean {
    return false
  }

  pendingBytes(): number {
    return 0
  }

  finish(): void {}
  close(): void {}
  reset(): void {}
  extendedData(): void {}
  eof(): void {}
  adjusted(): void {}
  closed(): void {}
  lost(): void {}
}

const nothing = () => {}

/** Hears nothing. */
export const deafSink: ChannelSink = {
  data: nothing,
  extendedData: nothing,
  eof: nothing,
  request: () => false,
  adjusted: nothing,
  pendingBytes: () => 0,
  closed: nothing,
  lost: nothing,
}

/** What a server does with a channel to another host: what comes goes on, as far as the next kernel takes it. */
export function relayTo(socket: Socket, channel: Channel): ChannelSink {
  socket.ownedBy({
    readable: () => {
      for (const bytes of socket.read()) channel.write(bytes)
    },
  })
  return { ...deafSink, data: (bytes) => socket.write(Buffer.from(bytes), () => channel.consumed(bytes.length)) }
}
