import { once } from 'node:events'
import { isUint8Array } from 'node:util/types'
import { Worker } from 'node:worker_threads'
import { HoldfastError } from '../errors.js'
import type { SlowJob } from './slow-job.js'

/**
 * Does the job in a thread of its own, since it would block the event loop; the thread ends with it or with the signal. How long it can take is bounded by those
 * who set the job: they cap the rounds that a file may ask for.
 * @returns the derived bytes, or the key as PKCS#8 DER; undefined if the passphrase did not fit
 * @throws HoldfastError ERR_SSH_ABORTED
 */
export async function offThread(job: SlowJob, signal?: AbortSignal): Promise<Buffer | undefined> {
  if (signal?.aborted) throw aborted(signal)
  // Nothing of this process's flags and environment: what NODE_OPTIONS preloads has no business in there.
  const worker = new Worker(new URL('./off-thread-worker.js', import.meta.url), {
    workerData: job,
    execArgv: [],
    env: {},
  })
  let answer: Buffer | undefined
  worker.on('message', (message: unknown) => {
    if (isUint8Array(message)) answer = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  })
  try {
    await once(worker, 'exit', signal === undefined ? {} : { signal })
    return answer
  } catch (error) {
    if (signal?.aborted) throw aborted(signal)
    throw new HoldfastError('ERR_SSH_KEY', 'the thread that was to decrypt the private key failed', { cause: error })
  } finally {
    await worker.terminate()
  }
}

function aborted(signal: AbortSignal): HoldfastError {
  return new HoldfastError('ERR_SSH_ABORTED', 'aborted while a private key was being decrypted', {
    cause: signal.reason,
  })
}
