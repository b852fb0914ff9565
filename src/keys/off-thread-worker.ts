/** What runs in the thread that `off-thread.ts` starts. */
import { createPrivateKey } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { pbkdf } from 'bcrypt-pbkdf'
import type { SlowJob } from './off-thread.js'

// Only offThread() starts this file, with the type that it takes.
// oxlint-disable-next-line no-unsafe-type-assertion
const answer = run(workerData as SlowJob)
parentPort?.postMessage(answer)

function run(job: SlowJob): Uint8Array | undefined {
  return job.job === 'bcrypt' ? bcrypt(job) : decryptPkcs8(job)
}

function bcrypt({ passphrase, salt, rounds, bytes }: SlowJob & { job: 'bcrypt' }): Uint8Array | undefined {
  const derived = new Uint8Array(bytes)
  const status = pbkdf(passphrase, passphrase.length, salt, salt.length, derived, bytes, rounds)
  return status === 0 ? derived : undefined
}

/** OpenSSL's reason is dropped: it cannot tell a wrong passphrase from a damaged file either. */
function decryptPkcs8({ pem, passphrase }: SlowJob & { job: 'pkcs8' }): Uint8Array | undefined {
  try {
    const key = createPrivateKey({ key: pem, passphrase: Buffer.from(passphrase) })
    return key.export({ type: 'pkcs8', format: 'der' })
  } catch {
    return undefined
  }
}
