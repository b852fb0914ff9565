import { createPrivateKey } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as bcryptPbkdf from 'bcrypt-pbkdf'

/** Work that takes hundreds of milliseconds: turning a passphrase into a key. */
export type SlowJob =
  | {
      readonly job: 'bcrypt'
      readonly passphrase: Uint8Array
      readonly salt: Uint8Array
      readonly rounds: number
      readonly bytes: number
    }
  | { readonly job: 'pkcs8'; readonly pem: string; readonly passphrase: Uint8Array }

/** @returns the derived bytes, or the key as PKCS#8 DER; undefined if the passphrase did not fit */
export function runSlowJob(job: SlowJob): Uint8Array | undefined {
  return job.job === 'bcrypt' ? bcrypt(job) : decryptPkcs8(job)
}

function bcrypt({ passphrase, salt, rounds, bytes }: SlowJob & { job: 'bcrypt' }): Uint8Array | undefined {
  // Only now, since its tables take a tenth of the time in which all else is loaded.
  // oxlint-disable-next-line no-unsafe-type-assertion -- its types are those of the package that is named
  const { pbkdf } = createRequire(import.meta.url)('bcrypt-pbkdf') as typeof bcryptPbkdf
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
