import { Readable, type Writable } from 'node:stream'
import { Deferred } from '../liveness/deferred.js'
import { orFalse } from './answer.js'
import { bytesArgument } from './arguments.js'
import { Ssh2FileStream } from './sftp-file.js'
import { callOf, writableArgument } from './stream-arguments.js'
import { asFailure, checkTakesMore, writeFailure } from './stream-failure.js'
import { stateOf } from './stream-state.js'
import { isTimeout, waitForStream } from './stream-wait.js'

/**
 * Writes all of it: done when it went out, which the far side allows as it reads, for as long as `stream_set_timeout()` says.
 * @returns bytes; false where the far side, or the program by `ssh2_send_eof()`, has ended it and it takes no more: what came
 * from it can be read all the same. Also at that limit: what has not gone out by then still does where the far side reads on
 * @throws TypeError
 */
export async function fwrite(stream: Writable, data: string | Buffer): Promise<number | false> {
  const name = 'fwrite'
  const bytes = Buffer.from(bytesArgument([name, 2, 'data'], data))
  const call = callOf(name, writableArgument([name, 1, 'stream'], stream))
  return orFalse(call, async () => {
    const failure = writeFailure(stream)
    if (failure !== undefined) throw failure
    if (stream instanceof Ssh2FileStream) stream.checkWriting()
    checkTakesMore(stream)
    const written = new Deferred<void>()
    const refused = (error: Error) => written.reject(asFailure(error))
    // Long before the write fails, where somebody has yet to read what came: here that is who waits.
    stream.once('refused', refused)
    const closed = () => refused(new Error('the stream was closed before it took all that was written'))
    stream.once('close', closed)
    stream.write(bytes, (error) => {
      if (error) refused(error)
      else written.resolve()
    })
    try {
      await inTime(stream, written.promise)
      return bytes.length
    } finally {
      stream.off('refused', refused)
      stream.off('close', closed)
    }
  })
}

async function inTime(stream: Writable, written: Promise<void>): Promise<void> {
  const state = stream instanceof Readable ? stateOf(stream) : undefined
  if (state === undefined) return written
  state.hasTimedOut = false
  if (state.timeoutMs === 0) return written
  const what = 'the way out for what was written'
  try {
    await waitForStream(state, { limit: 'timeout', limitMs: state.timeoutMs, what }, written)
  } catch (error) {
    state.hasTimedOut = isTimeout(error)
    throw error
  }
}
