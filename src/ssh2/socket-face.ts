import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/**
 * What programs find in `client._sock`, where they gave no stream of their own. The socket itself is one of several that
 * race for an address, so that there is none at first; what is set on this is set on the one that wins.
 */
export class SocketFace extends EventEmitter {
  connecting = true
  readonly _readableState = { ended: false }
  readonly _writableState = { ended: false }
  readonly #keepRunning: (keep: boolean) => void
  readonly #end: () => void
  readonly #destroy: () => void
  #socket: Socket | undefined
  #isClosed = false
  #noDelay: boolean | undefined
  #timeoutMs: number

  constructor(owner: {
    readonly timeoutMs: number
    keepRunning(keep: boolean): void
    end(): void
    destroy(): void
  }) {
    super()
    this.#timeoutMs = owner.timeoutMs
    this.#keepRunning = (keep) => owner.keepRunning(keep)
    this.#end = () => owner.end()
    this.#destroy = () => owner.destroy()
    // As many as like may listen: forwards add their own.
    this.setMaxListeners(0)
  }

  get writable(): boolean {
    return !this.#isClosed && !this._writableState.ended
  }

  get readable(): boolean {
    return !this.#isClosed
  }

  get destroyed(): boolean {
    return this.#isClosed
  }

  get remoteAddress(): string | undefined {
    return this.#socket?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket?.remotePort
  }

  get remoteFamily(): string | undefined {
    return this.#socket?.remoteFamily
  }

  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0
  }

  get bytesWritten(): number {
    return this.#socket?.bytesWritten ?? 0
  }

  address(): object {
    return this.#socket?.address() ?? {}
  }

  get localAddress(): string | undefined {
    return this.#socket?.localAddress
  }

  get localPort(): number | undefined {
    return this.#socket?.localPort
  }

  ref(): this {
    this.#keepRunning(true)
    return this
  }

  unref(): this {
    this.#keepRunning(false)
    return this
  }

  setNoDelay(noDelay = true): this {
    this.#noDelay = noDelay
    this.#socket?.setNoDelay(noDelay)
    return this
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): this {
    this.#socket?.setKeepAlive(enable, initialDelay)
    return this
  }

  setTimeout(milliseconds: number, listener?: () => void): this {
    this.#timeoutMs = milliseconds
    this.#socket?.setTimeout(milliseconds)
    if (listener !== undefined) this.once('timeout', listener)
    return this
  }

  end(): this {
    this.#end()
    return this
  }

  destroy(): this {
    this.#destroy()
    return this
  }

  /** The race is over. @internal */
  opened(socket: Socket | undefined): void {
    this.connecting = false
    this.#socket = socket
    if (this.#noDelay !== undefined) socket?.setNoDelay(this.#noDelay)
    socket?.setTimeout(this.#timeoutMs)
    socket?.on('timeout', () => {
      // One that is over has a time of its own in which its peer is to be gone.
      if (this.writable) this.emit('timeout')
    })
    this.emit('connect')
  }

  /** No more is written. @internal */
  ending(): void {
    this._writableState.ended = true
  }

  /** @internal */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.connecting = false
    this._readableState.ended = true
    this._writableState.ended = true
    this.emit('close')
  }
}
