import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connection } from '../connection/connection.js'

/** Up to this much is copied into one buffer: cheaper than a vector of small pieces. */
const maxCoalesced = 16 * 1024

/** Joins a stream to the core: bytes in as they come, bytes out once a turn of the event loop, and the end of both. */
export class Driver {
  readonly #stream: Duplex
  #connection: Connection | undefined
  #flushing = false
  #ended = false

  /** @param stream a connected socket, or any Duplex that stands for one */
  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('error', (error) => this.#streamEnded(error))
    stream.on('end', () => this.#streamEnded())
    stream.on('close', () => this.#streamEnded())
  }

  /** Begins to read. A socket made with `onread` hands its bytes to `receive` by itself. */
  attach(connection: Connection, options: { readonly readsByItself: boolean }): void {
    this.#connection = connection
    if (options.readsByItself) this.#stream.resume()
    else this.#stream.on('data', (chunk: Buffer) => this.receive(chunk))
    if (this.#stream.destroyed) this.#streamEnded()
  }

  receive(chunk: Buffer): void {
    this.#connection?.receive(chunk)
  }

  /** There is something to write; all that this turn still brings is written with it. */
  writable(): void {
    if (this.#flushing || this.#ended) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  end(): void {
    this.#flush()
    this.#stream.end()
  }

  destroy(how: 'farewell' | 'reset'): void {
    if (this.#ended) return
    if (how === 'farewell') this.#flush()
    this.#ended = true
    if (how === 'reset' && this.#stream instanceof net.Socket) this.#stream.resetAndDestroy()
    else this.#stream.destroy()
  }

  /** Whether the connection by itself keeps the process running; only a socket can. */
  setRef(keeps: boolean): void {
    if (!(this.#stream instanceof net.Socket)) return
    if (keeps) this.#stream.ref()
    else this.#stream.unref()
  }

  #streamEnded(error?: Error): void {
    if (this.#ended || this.#connection === undefined) return
    this.#connection.streamEnded(error)
  }

  #flush(): void {
    const pieces = this.#connection?.takeOutput() ?? []
    if (pieces.length === 0 || this.#ended || this.#stream.writableEnded) return
    let size = 0
    for (const piece of pieces) size += piece.length
    const taken = (error?: Error | null) => {
      if (!error) this.#connection?.kernelTook(size)
    }
    if (size <= maxCoalesced) this.#stream.write(Buffer.concat(pieces, size), taken)
    else this.#writeTogether(pieces, taken)
  }

  /** One system call for all the pieces. */
  #writeTogether(pieces: readonly Buffer[], taken: (error?: Error | null) => void): void {
    this.#stream.cork()
    const last = pieces.length - 1
    for (const [index, piece] of pieces.entries()) {
      if (index === last) this.#stream.write(piece, taken)
      else this.#stream.write(piece)
    }
    this.#stream.uncork()
  }
}
