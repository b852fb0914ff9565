import { Duplex, finished, type Readable, type Writable } from 'node:stream'
import { Deferred } from '../liveness/deferred.js'
import { orFalse } from './answer.js'
import { backlogOf, type Ssh2Listener } from './listener.js'
import { publicKeysOf, type Ssh2Publickey } from './publickey.js'
import { Ssh2FileStream } from './sftp-file.js'
import { callOf, isWritable, readableArgument } from './stream-arguments.js'
import { asFailure, writeFailure } from './stream-failure.js'
import { stateOf } from './stream-state.js'
import { waitForStream } from './stream-wait.js'

/**
 * Ends a stream: what was written goes out first, for which there are 2 s (the limit `channelClose`), but for a file, whose
 * requests have their own. A command lives on to its own end, as in PHP, and nothing waits for it; but one whose input would
 * be cut short, since writes still wait behind another, is ended. Of a listener: the server listens no more, and the
 * connections that nobody has accepted end; of a publickey subsystem: it ends.
 * @returns false where what was written cannot go out
 * @throws TypeError
 */
export async function fclose(stream: Readable | Writable | Ssh2Listener | Ssh2Publickey): Promise<boolean> {
  const name = 'fclose'
  const handle = backlogOf(stream) ?? publicKeysOf(stream)
  if (handle !== undefined) {
    await handle.close()
    return true
  }
  if (isWritable(stream)) {
    const call = callOf(name, stream)
    return orFalse(call, async () => {
      await writtenOut(stream)
      return true
    })
  }
  readableArgument([name, 1, 'stream'], stream).destroy()
  return true
}

async function writtenOut(stream: Writable): Promise<void> {
  const failure = writeFailure(stream)
  if (failure !== undefined) {
    stream.destroy()
    throw failure
  }
  if (stream.destroyed) return
  const over = new Deferred<void>()
  const failed = (error: Error) => over.reject(asFailure(error))
  const leave = finished(stream, { readable: false }, (error) => {
    if (error) failed(error)
    else over.resolve()
  })
  // Nobody reads any more what a write could wait for.
  stream.once('refused', failed)
  if (!stream.writableEnded) stream.end()
  try {
    await bounded(stream, over.promise)
  } finally {
    leave()
    stream.off('refused', failed)
    stream.destroy()
  }
}

async function bounded(stream: Writable, over: Promise<void>): Promise<void> {
  const state = stream instanceof Duplex && !(stream instanceof Ssh2FileStream) ? stateOf(stream) : undefined
  if (state === undefined) return over
  const { channelClose } = state.peer.link.settings.limits
  const what = 'the way out for what was written'
  return waitForStream(state, { limit: 'channelClose', limitMs: channelClose, what }, over)
}
