import { Reader } from '../wire/reader.js'

/** The algorithm that a signature blob (RFC 4253 section 6.6) names, or undefined for garbage. */
export function signatureAlgorithm(signature: Buffer): string | undefined {
  try {
    return new Reader('signature', signature).name('algorithm')
  } catch {
    return undefined
  }
}
