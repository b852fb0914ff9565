import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** After so long without more of it, what was held back is passed on. One that comes later still comes, in a read of its own. */
const quietMs = 300

/** A connection whose input can be held back until no more of it comes: then it comes in one read. */
export class HeldSocket extends Duplex {
  readonly #socket: Socket
  #waitsFor: 'nothing' | 'answer' | 'write' = 'nothing'
  #held: Buffer[] | undefined
  #quiet: NodeJS.Timeout | undefined

  static async to({ host, port }: { readonly host: string; readonly port: number }): Promise<HeldSocket> {
    const socket = connect(port, host)
    await once(socket, 'connect')
    return new HeldSocket(socket)
  }

  private constructor(socket: Socket) {
    super()
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#came(bytes))
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
  }

  /** Holds back what comes, once one more answer has come and something has been written upon it. */
  holdAfterAnswer(): void {
    this.#waitsFor = 'answer'
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#waitsFor === 'write') {
      this.#waitsFor = 'nothing'
      this.#held = []
    }
    this.#socket.write(bytes, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#quiet)
    this.#socket.destroy()
    done(error)
  }

  #came(bytes: Buffer): void {
    if (this.#held === undefined) {
      if (this.#waitsFor === 'answer') this.#waitsFor = 'write'
      this.push(bytes)
      return
    }
    this.#held.push(bytes)
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.#passOn(), quietMs)
  }

  #passOn(): void {
    const held = this.#held ?? []
    this.#held = undefined
    this.push(Buffer.concat(held))
  }
}
