import { Duplex, type Readable, type Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import { type Call, orFalse } from './answer.js'
import { boolArgument, bytesArgument, intArgument, type Place, wrongType } from './arguments.js'
import { backlogOf, type Ssh2Listener } from './listener.js'
import { publicKeysOf, type Ssh2Publickey } from './publickey.js'
import { Ssh2FileStream } from './sftp-file.js'
import { type StreamState, stateOf } from './stream-state.js'

const newline = 0x0a

/**
 * All that comes until the end of a stream, or `length` bytes.
 * @returns false where it fails: what came before is not taken for the whole
 * @throws TypeError
 */
export function stream_get_contents(stream: Readable, length?: number | null): Promise<string | false>
export function stream_get_contents(
  stream: Readable,
  length: number | null | undefined,
  encoding: 'buffer',
): Promise<Buffer | false>
export async function stream_get_contents(
  stream: Readable,
  length: number | null = null,
  encoding: 'utf8' | 'buffer' = 'utf8',
): Promise<string | Buffer | false> {
  const name = 'stream_get_contents'
  const wanted = length === null ? Number.POSITIVE_INFINITY : intArgument([name, 2, 'length'], length)
  return reading(name, stream, async (reader) => {
    const bytes = await reader.take((held) => (held >= wanted ? wanted : undefined))
    return encoding === 'buffer' ? bytes : bytes.toString('utf8')
  })
}

/** The next line with its line feed; at the end what is left, and then false. @param length at most one less @throws TypeError */
export async function fgets(stream: Readable, length: number | null = null): Promise<string | false> {
  const name = 'fgets'
  const most = length === null ? Number.POSITIVE_INFINITY : intArgument([name, 2, 'length'], length) - 1
  return reading(name, stream, async (reader) => {
    const bytes = await reader.take((held, last) => {
      const at = last.indexOf(newline)
      const end = at === -1 ? held : held - last.length + at + 1
      return at === -1 && held < most ? undefined : Math.min(end, most)
    })
    return bytes.length === 0 ? false : bytes.toString('utf8')
  })
}

/** Up to `length` bytes, as soon as there are any; none at the end. @throws TypeError */
export async function fread(stream: Readable, length: number): Promise<Buffer | false> {
  const name = 'fread'
  const most = intArgument([name, 2, 'length'], length)
  return reading(name, stream, (reader) => reader.take((held) => (held > 0 ? Math.min(held, most) : undefined)))
}

/** Writes all of it: done when it went out, which the far side allows as it reads. @returns bytes @throws TypeError */
export async function fwrite(stream: Writable, data: string | Buffer): Promise<number | false> {
  const name = 'fwrite'
  const bytes = Buffer.from(bytesArgument([name, 2, 'data'], data))
  const call = callOf(name, writableArgument([name, 1, 'stream'], stream))
  return orFalse(call, async () => {
    if (stream.errored !== null) throw asFailure(stream.errored)
    if (stream instanceof Ssh2FileStream) stream.checkWriting()
    const written = new Deferred<number>()
    stream.write(bytes, (error) => {
      if (error) written.reject(asFailure(error))
      else written.resolve(bytes.length)
    })
    return written.promise
  })
}

/** Whether all was read that will ever come. */
export function feof(stream: Readable): boolean {
  readableArgument(['feof', 1, 'stream'], stream)
  return hasEnded(stream)
}

/**
 * Ends a stream: what was written goes out first. A command lives on to its own end, as in PHP, and nothing waits for it. Of a
 * listener: the server listens no more; of a publickey subsystem: it ends.
 * @returns false where what was written cannot go out
 * @throws TypeError
 */
export async function fclose(stream: Readable | Writable | Ssh2Listener | Ssh2Publickey): Promise<boolean> {
  const name = 'fclose'
  const handle = backlogOf(stream)?.forward ?? publicKeysOf(stream)
  if (handle !== undefined) {
    await handle.close()
    return true
  }
  if (isWritable(stream)) {
    const call = callOf(name, stream)
    return orFalse(call, async () => {
      await ended(stream)
      return true
    })
  }
  readableArgument([name, 1, 'stream'], stream).destroy()
  return true
}

/** Reading waits for what comes; with `false` it takes what is there, if anything. @throws TypeError */
export function stream_set_blocking(stream: Readable, enable: boolean): boolean {
  boolArgument(['stream_set_blocking', 2, 'enable'], enable)
  const state = stateOf(stream)
  if (state !== undefined) state.isBlocking = enable
  return state !== undefined
}

/** How long one read may wait; then it gives what has come, and `timed_out` of the meta data says so. 0: as long as it takes. @throws TypeError */
export function stream_set_timeout(stream: Readable, seconds: number, microseconds = 0): boolean {
  const name = 'stream_set_timeout'
  const limitMs = milliseconds([name, 2, 'seconds'], seconds, microseconds)
  const state = stateOf(stream)
  if (state !== undefined) state.timeoutMs = limitMs
  return state !== undefined
}

/** Seconds and microseconds, rounded up to the next millisecond as PHP does. @throws TypeError */
export function milliseconds([name, position, parameter]: Place, seconds: unknown, microseconds: unknown): number {
  const whole = intArgument([name, position, parameter], seconds) * 1000
  return Math.max(0, whole + Math.ceil(intArgument([name, position + 1, 'microseconds'], microseconds) / 1000))
}

/** Says how many of the bytes that are held make it up; undefined where more are wanted. @param last those that came last */
type Enough = (held: number, last: Buffer) => number | undefined

/** Reads a stream by pieces; what is more than was wanted goes back to it. */
class PieceReader {
  readonly #stream: Readable
  readonly #state: StreamState | undefined

  constructor(stream: Readable) {
    this.#stream = stream
    this.#state = stateOf(stream)
  }

  async take(enough: Enough): Promise<Buffer> {
    const held: Buffer[] = []
    let size = 0
    if (this.#state !== undefined) this.#state.hasTimedOut = false
    for (;;) {
      const bytes = this.#read()
      if (bytes !== undefined) {
        held.push(bytes)
        size += bytes.length
        const wanted = enough(size, bytes)
        if (wanted === undefined) continue
        const whole = Buffer.concat(held, size)
        // In the same turn as it was read: the end is not told meanwhile.
        if (wanted < size) this.#stream.unshift(whole.subarray(wanted))
        return whole.subarray(0, wanted)
      }
      if (hasEnded(this.#stream) || !(await this.#more())) break
    }
    const { errored } = this.#stream
    if (errored !== null) throw asFailure(errored)
    return Buffer.concat(held, size)
  }

  #read(): Buffer | undefined {
    const bytes: unknown = this.#stream.read()
    if (typeof bytes === 'string') return Buffer.from(bytes)
    return Buffer.isBuffer(bytes) ? bytes : undefined
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
      else await within(state, came.promise)
      return true
    } catch {
      if (state !== undefined) state.hasTimedOut = true
      return false
    } finally {
      for (const event of events) this.#stream.off(event, resolve)
    }
  }
}

/** A limit of the program's own; it ends with the connection too, as the stream does. */
async function within({ peer, timeoutMs }: StreamState, came: Promise<void>): Promise<void> {
  const wait = peer.link.timing.waits.start<void>({
    limit: 'timeout',
    limitMs: timeoutMs,
    clock: 'call',
    phase: 'command',
    what: 'what a stream brings',
  })
  came.then(
    () => wait.resolve(),
    () => {},
  )
  await wait.promise
}

async function reading<T>(
  name: string,
  stream: Readable,
  work: (reader: PieceReader) => Promise<T>,
): Promise<T | false> {
  readableArgument([name, 1, 'stream'], stream)
  return orFalse(callOf(name, stream), async () => {
    if (stream instanceof Ssh2FileStream) stream.checkReading()
    return work(new PieceReader(stream))
  })
}

/**
 * What was written goes out for as long as the far side takes it, or its end, but not for longer than a channel's close may
 * take. A file has limits of its own for what is asked of it, since a disk may take its time.
 */
async function ended(stream: Writable): Promise<void> {
  if (stream.errored !== null) throw asFailure(stream.errored)
  // It ended by itself, and its connection may have ended with it.
  if (stream.destroyed) return
  const over = new Deferred<void>()
  stream.once('error', (error) => over.reject(asFailure(error)))
  stream.once('close', () => over.resolve())
  if (stream.writable) stream.end((error?: Error | null) => (error ? over.reject(asFailure(error)) : over.resolve()))
  else over.resolve()
  const state = stream instanceof Duplex ? stateOf(stream) : undefined
  if (state === undefined) return over.promise
  const limitMs = state.peer.link.settings.limits.channelClose
  try {
    if (stream instanceof Ssh2FileStream) await over.promise
    else await within({ ...state, timeoutMs: limitMs }, over.promise)
  } finally {
    stream.destroy()
  }
}

export function hasEnded(stream: Readable): boolean {
  return stream.readableEnded || stream.destroyed
}

export function callOf(name: string, stream: Readable | Writable): Call {
  const state = isReadable(stream) ? stateOf(stream) : undefined
  return { name, of: state === undefined ? [stream] : [stream, state.session] }
}

export function readableArgument(place: Place, value: unknown): Readable {
  if (isReadable(value)) return value
  throw wrongType(place, 'resource', value)
}

function writableArgument(place: Place, value: unknown): Writable {
  if (isWritable(value)) return value
  throw wrongType(place, 'resource', value)
}

function isReadable(value: unknown): value is Readable {
  return typeof value === 'object' && value !== null && 'readableFlowing' in value
}

function isWritable(value: unknown): value is Writable {
  return typeof value === 'object' && value !== null && 'writableLength' in value
}

/** What a stream failed by is told as all else; only a mistake of the program's is thrown. */
function asFailure(error: Error): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('ERR_SSH_CHANNEL_CLOSED', error.message, { cause: error })
}
