import type { Random } from '../../support/core/random.js'
import type { LinkPlan, OutagePlan } from '../plan.js'
import type { World } from '../world.js'
import { type Direction, opposite, type Path } from './path.js'
import { TcpStream } from './tcp-stream.js'

/** Whoever has one end of the connection: a process with an open socket. Called whether or not the process runs. */
export interface SocketOwner {
  /** Bytes, or an end, wait to be read. */
  readable(): void
}

/** How the stream ended for whoever reads it; `error` where it was not in order. */
export interface StreamEnd {
  readonly error?: Error
}

/** One end of a TCP connection, as a process sees it; the kernel behind it works on whether the process runs or not. */
export class Socket {
  readonly #out: TcpStream
  readonly #in: TcpStream
  #owner: SocketOwner | undefined
  #end: StreamEnd | undefined
  #isClosed = false
  /** Tells the other end that this one is gone. */
  sayReset: () => void = () => {}

  constructor(out: TcpStream, incoming: TcpStream) {
    this.#out = out
    this.#in = incoming
    incoming.onReadable = () => this.#owner?.readable()
    incoming.onUnwanted = () => this.sayReset()
    out.onGivenUp = () => this.fail(new Error('write ETIMEDOUT'))
  }

  ownedBy(owner: SocketOwner): void {
    this.#owner = owner
  }

  /** @param taken called once the kernel has taken the last byte */
  write(bytes: Buffer, taken: () => void): void {
    if (!this.#isClosed) this.#out.write(bytes, taken)
  }

  /** Bytes that were written and that the kernel has not taken. */
  get untaken(): number {
    return this.#out.untaken
  }

  /** What has come, in order. */
  read(): Buffer[] {
    return this.#isClosed ? [] : this.#in.read()
  }

  /** Known once everything before it was read. */
  get end(): StreamEnd | undefined {
    return this.#end ?? (this.#in.isFinished ? {} : undefined)
  }

  /** No more will be written: FIN follows what was. */
  finish(): void {
    if (!this.#isClosed) this.#out.finish()
  }

  /** Closes it in the ordinary way: what was written still goes out, but with unread input the other end gets a reset. */
  close(): void {
    if (this.#isClosed) return
    if (this.#in.hasUnread) return this.reset()
    this.#isClosed = true
    this.#out.finish()
    this.#in.abandon()
  }

  reset(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#out.stop()
    this.#in.abandon()
    this.sayReset()
  }

  /** A reset came, or the kernel gave up. */
  fail(error: Error): void {
    this.#out.stop()
    this.#in.abandon()
    if (this.#isClosed) return
    this.#end ??= { error }
    this.#owner?.readable()
  }
}

export interface TcpConnection {
  readonly client: Socket
  readonly server: Socket
}

/** A connection that stands, between two kernels. */
export function connectTcp(
  world: World,
  random: Random,
  path: Path,
  link: LinkPlan,
  outages: readonly OutagePlan[],
): TcpConnection {
  const stream = (direction: Direction) => new TcpStream({ world, random, path, link, outages, direction })
  const [toServer, toClient] = [stream('toServer'), stream('toClient')]
  const [client, server] = [new Socket(toServer, toClient), new Socket(toClient, toServer)]
  const carryReset = (direction: Direction, to: Socket) => () => {
    if (!path.passes(direction, world.now())) return
    world.after(link.latencyMs, () => {
      if (path.passes(direction, world.now())) to.fail(new Error('read ECONNRESET'))
    })
  }
  client.sayReset = carryReset('toServer', server)
  server.sayReset = carryReset(opposite('toServer'), client)
  return { client, server }
}
