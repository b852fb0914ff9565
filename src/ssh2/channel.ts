import { Duplex } from 'node:stream'
import type { ChannelSink } from '../connection/channel.js'
import { maxPacket } from '../connection/openings.js'
import type { HoldfastError } from '../errors.js'
import { IdleTimer } from '../forward/idle-timer.js'
import { ByteQueue } from '../session/byte-queue.js'
import { extendedDataStderr } from '../wire/connection-messages.js'
import type { ChannelHost } from './channel-host.js'
import type { ChannelPort } from './channel-port.js'
import { type ChannelExit, decodeExit, encodeSignal, encodeWindowChange } from './channel-requests.js'
import { ClientStderr } from './channel-stderr.js'
import { ChannelWrites } from './channel-writes.js'
import { callError, noResponse } from './errors.js'

type Done = (error?: Error | null) => void

/** One direction of a channel, as programs look at it. */
export interface ChannelEnd {
  id: number | undefined
  window: number
  packetSize: number
  state: 'open' | 'eof' | 'closing' | 'closed'
}

/** What ssh2 lets wait in a stream before `write()` gives false. */
const highWaterMark = 2 * 1024 * 1024

/** A command, a shell, a subsystem or a tunnel, as ssh2's `Channel`. */
export class Channel extends Duplex {
  readonly server = false
  readonly type: string
  subtype: 'exec' | 'shell' | 'subsystem' | undefined
  readonly incoming: ChannelEnd = { id: undefined, window: highWaterMark, packetSize: maxPacket, state: 'open' }
  readonly outgoing: ChannelEnd = { id: undefined, window: 0, packetSize: maxPacket, state: 'open' }
  readonly stdin = this
  readonly stdout = this
  readonly stderr: ClientStderr
  /** @internal */
  readonly _client: object
  readonly #host: ChannelHost
  #channel: ChannelPort | undefined
  readonly #queue = new ByteQueue()
  /** What came before the program had the stream in its hands. */
  #held: (() => void)[] | undefined = []
  #isWanted = false
  #hasEnded = false
  #exit: ChannelExit | undefined
  #isClosed = false
  #isCloseTold = false
  /** The program closed it: what it has not read is for nobody. */
  #isLeft = false
  readonly #writes: ChannelWrites
  readonly #idle: IdleTimer

  /** @internal */
  constructor(host: ChannelHost, type: string, allowHalfOpen = true) {
    super({ allowHalfOpen, emitClose: false, writableHighWaterMark: highWaterMark })
    this.type = type
    this.#host = host
    this._client = host.client
    this.stderr = new ClientStderr((bytes) => this.#channel?.consumed(bytes))
    this.#writes = new ChannelWrites(host, this, () => {
      if (this.#isClosed) this.#tellClose()
    })
    // As ssh2, by which `finished()` tells whether the server or the program ended it.
    this.on('prefinish', () => void Reflect.set(this, 'writable', false))
    this.on('end', () => void Reflect.set(this, 'readable', false))
    this.#idle = new IdleTimer(host, () => process.nextTick(() => this.emit('timeout')))
  }

  /** The channel is open: whatever is for it comes here, once the program has it. @internal */
  attach(channel: ChannelPort): ChannelSink {
    this.#channel = channel
    this.incoming.id = channel.localId
    this.outgoing.id = channel.remoteId
    this.outgoing.packetSize = channel.remoteMaxPacket
    Object.defineProperty(this.outgoing, 'window', { get: () => channel.sendWindow, enumerable: true })
    Object.defineProperty(this.incoming, 'window', { get: () => channel.receiveWindow, enumerable: true })
    return {
      data: (bytes) => this.#whenHeld(() => this.#dataCame(bytes)),
      extendedData: (type, bytes) => this.#whenHeld(() => this.#extendedDataCame(type, bytes)),
      eof: () => this.#whenHeld(() => this.#endCame()),
      request: (type, data) => this.#requestCame(type, data),
      adjusted: () => this.#idle.touch(),
      stalled: () => this.#writes.stalled(),
      pendingBytes: () => this.#writes.waitingBytes,
      closed: () => this.#whenHeld(() => this.#over()),
      lost: (cause) => this.#afterEnd(() => this.#whenHeld(() => this.#over(cause))),
    }
  }

  /** The program has it now. @internal */
  release(): void {
    const held = this.#held
    this.#held = undefined
    for (const tell of held ?? []) this.#host.guard(tell)
  }

  eof(): void {
    if (this.outgoing.state !== 'open') return
    this.outgoing.state = 'eof'
    this.#channel?.eof()
  }

  /** Closes it in both directions. What was written goes out first, for as long as the far side takes it. */
  close(): void {
    const { state } = this.outgoing
    if (state !== 'open' && state !== 'eof') return
    this.outgoing.state = 'closing'
    this.#isLeft = true
    void this.#closeFlushed()
  }

  override destroy(_error?: Error): this {
    this.end()
    this.close()
    return this
  }

  setWindow(rows: number, cols: number, height: number, width: number): void {
    const hasTerminal = this.subtype === 'shell' || this.subtype === 'exec'
    if (this.type === 'session' && hasTerminal && this.writable && this.outgoing.state === 'open')
      this.#channel?.notify('window-change', encodeWindowChange({ rows, cols, height, width }))
  }

  /** @param name with or without its SIG */
  signal(name: string): void {
    if (this.type === 'session' && this.writable && this.outgoing.state === 'open')
      this.#channel?.notify('signal', encodeSignal(name))
  }

  exit(): void {
    throw new Error('Server-only method called in client mode')
  }

  /** As a socket's: emits `timeout` after so many milliseconds of silence, and ends nothing. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (milliseconds > 0 && !this.#isClosed) this.#idle.start(milliseconds)
    else this.#idle.stop()
    if (listener !== undefined && milliseconds > 0) this.once('timeout', listener)
    return this
  }

  /** Changes nothing; here for who takes a channel for a socket, as the next ones are. */
  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  destroySoon(): void {
    this.destroy()
  }

  override _read(): void {
    this.#isWanted = true
    this.#pushWanted()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: Done): void {
    this.eof()
    if (!this.allowHalfOpen) this.close()
    done()
  }

  /** In the turn after that in which the connection ends, so that it knows of its end. */
  #afterEnd(work: () => void): void {
    queueMicrotask(() => this.#host.afterEnd(work))
  }

  #whenHeld(tell: () => void): void {
    if (this.#held === undefined) this.#host.guard(tell)
    else this.#held.push(tell)
  }

  #dataCame(bytes: Buffer): void {
    this.#idle.touch()
    this.#queue.push(bytes)
    this.#pushWanted()
  }

  #extendedDataCame(type: number, bytes: Buffer): void {
    this.#idle.touch()
    if (type === extendedDataStderr) this.stderr.deliver(bytes)
    else this.#channel?.consumed(bytes.length)
  }

  #endCame(): void {
    if (this.incoming.state === 'open') this.incoming.state = 'eof'
    this.#hasEnded = true
    this.#pushWanted()
    this.stderr.finish()
  }

  #requestCame(type: string, data: Buffer): boolean {
    const exit = decodeExit(type, data)
    if (exit === undefined) return false
    this.#whenHeld(() => {
      if (this.#exit !== undefined) return
      this.#exit = exit
      this.emit('exit', ...exit)
    })
    return true
  }

  /** @param cause why the connection was lost; without it both sides have closed it, or the peer's CLOSE was given up */
  #over(cause?: HoldfastError): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#idle.stop()
    this.incoming.state = 'closed'
    this.outgoing.state = 'closed'
    this.#endCame()
    if (cause !== undefined) this.#tellLost(cause)
    else if (!this.writableEnded) this.end()
    this.#writes.fail(cause)
    this.stderr.channelClosed()
    this.#tellCloseOnceRead()
    if (this.#isLeft) this.resume()
  }

  /** Of what ssh2 would have waited for without end only those are told who listen. */
  #tellLost(cause: HoldfastError): void {
    if (this.#isLeft || cause.code === 'ERR_SSH_CLOSED' || this.listenerCount('error') === 0) return
    this.emit('error', callError(cause, noResponse(cause)))
  }

  /** ssh2 tells of the close only once everything was read, with what it told of the exit. */
  #tellCloseOnceRead(): void {
    if (this.readableEnded || this.errored) this.#tellClose()
    else this.once('end', () => this.#tellClose())
  }

  #tellClose(): void {
    if (this.#isCloseTold) return
    this.#isCloseTold = true
    if (this.type.startsWith('direct-')) this.emit('close')
    else this.emit('close', ...(this.#exit ?? [undefined]))
  }

  async #closeFlushed(): Promise<void> {
    const flushed = this.#writes.flushed(this.#channel)
    if (flushed !== undefined) await flushed
    await this.#channel?.close()
  }

  #send(data: Buffer, done: Done): void {
    this.#idle.touch()
    this.#writes.write(this.#channel, data, done)
  }

  #pushWanted(): void {
    while (this.#isWanted) {
      const bytes = this.#queue.shift()
      if (bytes === undefined) break
      this.#channel?.consumed(bytes.length)
      // Set before: a listener that reads asks for more from inside.
      this.#isWanted = false
      if (this.push(bytes)) this.#isWanted = true
    }
    if (!this.#hasEnded || !this.#queue.isEmpty || !this.#isWanted) return
    this.#isWanted = false
    this.push(null)
  }
}
