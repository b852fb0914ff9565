import type { Readable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import { ByteQueue } from '../session/byte-queue.js'
import { asFailure, hasEnded } from './stream-failure.js'
import { type StreamState, stateOf } from './stream-state.js'
import { isTimeout, waitForStream } from './stream-wait.js'
import { nextTurn, turnSometimes } from './turn.js'

/** What a program that names no length is given at once: as much as `exec()` gives. */
const mostBytes = 100 * 1024 * 1024
/** What waits in a stream is taken in pieces of it, since each costs what the stream has to copy together. */
const pieceBytes = 64 * 1024

/** How long the piece is that went back to a stream: it is taken as it is. */
const leftovers = new WeakMap<Readable, number>()

/** Says how many of the bytes that are held make it up; undefined where more are wanted. @param last those that came last */
type Enough = (held: number, last: Buffer) => number | undefined

/** Reads a stream by pieces; what is more than was wanted goes back to it. */
export class PieceReader {
  readonly #stream: Readable
  readonly #state: StreamState | undefined

  constructor(stream: Readable) {
    this.#stream = stream
    this.#state = stateOf(stream)
  }

  /**
   * Where `stream_set_timeout()` or the end of the stream comes first, what has come until then.
   * @param length the most that `enough` asks for @default 100 MiB, of which more is an error that ends the stream
   * @throws HoldfastError ERR_SSH_MAX_BUFFER, why the connection ended, and what the stream failed by
   */
  async take(enough: Enough, length?: number): Promise<Buffer> {
    const held = new ByteQueue()
    let size = 0
    if (this.#state !== undefined) this.#state.hasTimedOut = false
    // What is there is taken, and nothing is waited for: a loop of such calls has no other end than that something comes.
    if (this.#state?.isBlocking === false) await nextTurn()
    for (;;) {
      await turnSometimes()
      const bytes = this.#read()
      if (bytes !== undefined) {
        held.push(bytes)
        size += bytes.length
        const wanted = enough(size, bytes)
        // In the same turn as it was read: the end is not told meanwhile.
        if (wanted !== undefined) return this.#split(joined(held), wanted)
        if (size > (length ?? mostBytes)) throw this.#endOf(tooMuch())
        continue
      }
      if (hasEnded(this.#stream) || !(await this.#more())) break
    }
    const { errored, readableEnded } = this.#stream
    // What was read to its end is whole, whatever became of what was written.
    if (errored !== null && !readableEnded) throw asFailure(errored)
    return joined(held)
  }

  #read(): Buffer | undefined {
    const { readableLength } = this.#stream
    const most = leftovers.get(this.#stream) ?? pieceBytes
    leftovers.delete(this.#stream)
    const isWhole = readableLength === 0 || this.#state?.isReadWhole === true
    const bytes: unknown = isWhole ? this.#stream.read() : this.#stream.read(Math.min(readableLength, most))
    if (typeof bytes === 'string') return Buffer.from(bytes)
    return Buffer.isBuffer(bytes) ? bytes : undefined
  }

  #split(whole: Buffer, wanted: number): Buffer {
    if (wanted >= whole.length) return whole
    this.#stream.unshift(whole.subarray(wanted))
    leftovers.set(this.#stream, whole.length - wanted)
    return whole.subarray(0, wanted)
  }

  /** Waits until there is more, or nothing comes any more. @returns false where nobody is to wait any longer */
  async #more(): Promise<boolean> {
    const state = this.#state
    if (state?.isBlocking === false) return false
    const came = new Deferred<void>()
    const resolve = () => came.resolve()
    const events = ['readable', 'end', 'close', 'error']
    for (const event of events) this.#stream.on(event, resolve)
    try {
      if (state === undefined || state.timeoutMs === 0) await came.promise
      else await waitForStream(state, readingLimit(state), came.promise)
      return true
    } catch (error) {
      if (state === undefined || !isTimeout(error)) throw error
      state.hasTimedOut = true
      return false
    } finally {
      for (const event of events) this.#stream.off(event, resolve)
    }
  }

  /** A loop until the end would else ask for the same again and again. */
  #endOf(error: HoldfastError): HoldfastError {
    // It is told by the call, and must not end a program that does not listen.
    this.#stream.once('error', () => {})
    this.#stream.destroy(error)
    return error
  }
}

/** Takes all of it. One piece alone is not copied. */
function joined(held: ByteQueue): Buffer {
  const first = held.shift() ?? Buffer.alloc(0)
  return held.isEmpty ? first : Buffer.concat([first, ...rest(held)])
}

function* rest(held: ByteQueue): Generator<Buffer> {
  for (let piece = held.shift(); piece !== undefined; piece = held.shift()) yield piece
}

function readingLimit({ timeoutMs }: StreamState) {
  return { limit: 'timeout', limitMs: timeoutMs, what: 'what a stream brings' } as const
}

function tooMuch(): HoldfastError {
  const hint = 'give a length, or read by fread(): what came is lost now'
  const text = `more than ${mostBytes} bytes came where no length was given`
  return new HoldfastError('ERR_SSH_MAX_BUFFER', text, { phase: 'command', hint })
}
