import { createHash } from 'node:crypto'

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

/** A command that prints so many bytes, which nobody can guess, and on stderr their sum. */
export function download(size: number): string {
  return `head -c ${size} /dev/urandom | tee >(sha256sum >&2)`
}
