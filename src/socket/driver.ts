import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connection } from '../connection/connection.js'
import { release } from './release.js'
import { discard, hold, leave, partingMs } from './stream.js'

/** Up to this much is copied into one buffer: cheaper than a vector of small pieces. */
const maxCoalesced = 16 * 1024

/** What a peer may send while its connection is made ready here: an identification and a KEXINIT have 2 KiB. */
const maxEarly = 256 * 1024

/** With so many reads a peer has been heard that did not know of our goodbye yet: 1 MiB of what was on its way. */
const maxLatePieces = 16

/** Joins a stream to the core: bytes in as they come, bytes out once a turn of the event loop, and the end of both. */
export class Driver {
  readonly #stream: Duplex
  /** A stream of the program's own may keep what it was given. */
  readonly #isOwnSocket: boolean
  readonly #early: Buffer[] = []
  #earlyBytes = 0
  #endedEarly: { readonly error: Error | undefined } | undefined
  #connection: Connection | undefined
  /** What is to be done at the end of this turn of the event loop. */
  #turn: NodeJS.Immediate | undefined
  /** Something came in this turn that the peer may want acknowledged. What we send ourselves asks for none, or there were no end. */
  #isAcknowledgementDue = false
  /** A stream of the program's own has not taken what it was given last. */
  #isWriting = false
  #destroyed = false
  #latePieces = 0
  /** When we let go of the stream. */
  #leftAt = Number.POSITIVE_INFINITY

  /**
   * @param stream a connected socket, or any Duplex that stands for one
   * @param options.readsByItself a socket made with `onread` hands its bytes to `receive` by itself
   */
  constructor(stream: Duplex, { readsByItself }: { readonly readsByItself: boolean } = { readsByItself: false }) {
    this.#stream = stream
    this.#isOwnSocket = readsByItself
    stream.on('error', (error) => this.#streamEnded(error))
    stream.on('end', () => this.#inputEnded())
    stream.on('close', () => this.#streamEnded(undefined))
    if (!readsByItself) stream.on('data', (chunk: Buffer) => this.receive(chunk))
    if (stream.destroyed) this.#streamEnded(undefined)
  }

  /** Hands over to the connection, and with it all that came before it was ready. */
  attach(connection: Connection): void {
    this.#connection = connection
    for (const chunk of this.#early.splice(0)) connection.receive(chunk)
    if (this.#endedEarly !== undefined) connection.streamEnded(this.#endedEarly.error)
  }

  /** @param chunk is used up at once: its memory may be used again after the call */
  receive(chunk: Buffer): void {
    if (this.#destroyed) {
      this.#cameLate()
      return
    }
    const connection = this.#connection
    if (connection === undefined) this.#keep(Buffer.from(chunk))
    else connection.receive(chunk)
    if (!connection?.acknowledgement.isAwaited) return
    this.#isAcknowledgementDue = true
    this.writable()
  }

  /** There is something to write; all that this turn still brings is written with it. */
  writable(): void {
    if (!this.#destroyed) this.#turn ??= setImmediate(() => this.#turnEnded())
  }

  /**
   * Writes now what there is. A program's own stream is given more only once it took what went before: so its `_write` runs
   * within our call, where what it throws can be caught. Node would call it for queued pieces by itself.
   */
  flush(): void {
    if (!this.#isWriting) this.#flush()
  }

  /** What was on its way when we said goodbye is passed over: a reset would be an error to its sender. Who goes on is not waited for. */
  #cameLate(): void {
    this.#latePieces += 1
    // Each piece begins the time of `leave()` anew: by itself that would last for all of them.
    if (this.#latePieces > maxLatePieces || performance.now() - this.#leftAt > partingMs) discard(this.#stream)
  }

  /** No more will be written. */
  end(): void {
    this.#flush()
    this.#try(() => this.#stream.end())
  }

  /** @param how whether what waits here goes out first; `quiet` is without that, and without a reset for who ends its side too */
  destroy(how: 'farewell' | 'reset' | 'quiet'): void {
    if (this.#destroyed) return
    if (how === 'farewell') this.#flush()
    if (how === 'quiet') this.#sayEnd()
    this.#destroyed = true
    this.#leftAt = performance.now()
    clearImmediate(this.#turn)
    if (how === 'reset') discard(this.#stream)
    else leave(this.#stream)
  }

  /** Else the kernel would keep the socket of a peer that is gone, and its unsent bytes. One that is connecting is no one's yet. */
  #sayEnd(): void {
    if (this.socket?.pending === false) this.#try(() => this.#stream.end())
  }

  /** Whether the open connection by itself keeps the process running. */
  keepRunning(keep: boolean): void {
    hold(this.#stream, keep)
  }

  /** The socket, where it is one of the system's. */
  get socket(): net.Socket | undefined {
    return this.#stream instanceof net.Socket ? this.#stream : undefined
  }

  #turnEnded(): void {
    this.#turn = undefined
    if (this.#isAcknowledgementDue) this.#connection?.acknowledgement.send()
    this.#isAcknowledgementDue = false
    this.flush()
  }

  #keep(chunk: Buffer): void {
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes <= maxEarly) this.#early.push(chunk)
    else this.#stream.destroy(new Error(`the peer sent more than ${maxEarly} bytes before it was its turn`))
  }

  /**
   * Of a reset that comes right behind data libuv reports an end, and leaves the error on the socket for the next write. One
   * that waits already learns it in this turn.
   */
  #inputEnded(): void {
    const stream = this.#stream
    if (this.socket === undefined || stream.writableEnded) this.#streamEnded(undefined)
    else if (stream.writableLength > 0) setImmediate(() => this.#streamEnded(undefined))
    else stream.write(Buffer.alloc(0), (error) => this.#streamEnded(error ?? undefined))
  }

  #streamEnded(error: Error | undefined): void {
    this.#endedEarly ??= { error }
    if (!this.#destroyed) this.#connection?.streamEnded(error)
  }

  #flush(): void {
    if (this.#destroyed || this.#stream.writableEnded) return
    const pieces = this.#connection?.takeOutput() ?? []
    if (pieces.length === 0) return
    let size = 0
    for (const piece of pieces) size += piece.length
    this.#isWriting = this.socket === undefined
    const taken = (error?: Error | null) => {
      if (!error) this.#taken(pieces, size)
    }
    this.#try(() => {
      if (size <= maxCoalesced || this.#isWriting) this.#stream.write(joined(pieces, size), taken)
      else this.#writeTogether(pieces, taken)
    })
  }

  #taken(pieces: readonly Uint8Array[], size: number): void {
    const heldBack = this.#isWriting
    this.#isWriting = false
    if (this.#isOwnSocket && size > maxCoalesced) for (const piece of pieces) release(piece)
    this.#connection?.kernelTook(size)
    if (heldBack || this.#turn !== undefined) this.#flush()
  }

  /** A stream of the program's own may throw where it should report an error: Node calls its `_write` unguarded. */
  #try(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#streamEnded(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** One system call for all the pieces. */
  #writeTogether(pieces: readonly Uint8Array[], taken: (error?: Error | null) => void): void {
    this.#stream.cork()
    const last = pieces.length - 1
    for (let index = 0; index < last; index++) this.#stream.write(pieces[index])
    this.#stream.write(pieces[last], taken)
    this.#stream.uncork()
  }
}

/** `Buffer.concat()` checks each piece at several levels: to compile that took as long as all else of a small packet. */
function joined(pieces: readonly Uint8Array[], size: number): Buffer {
  const all = Buffer.allocUnsafe(size)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
