import { type DerValue, derInteger, derOid, derSequence, readDerValues } from './der.js'
import { keyError } from './key-reader.js'

/*
 * What an encrypted PKCS#8 file (RFC 5958) costs to open. OpenSSL cannot be interrupted, not even in a thread of its
 * own, so a file that asks for hours of work must be refused before it begins.
 */

/** 1.2.840.113549.1.5.13, .12, and 1.3.6.1.4.1.11591.4.11, in DER. */
const oids = {
  pbes2: '2a864886f70d01050d',
  pbkdf2: '2a864886f70d01050c',
  scrypt: '2b06010401da47040b',
} as const

/** About ten seconds with SHA-256; OWASP recommends 600 000. */
const maxIterations = 10_000_000
/** N x r x p. About ten seconds; `openssl pkcs8 -scrypt` writes 2^17. OpenSSL itself bounds the memory. */
const maxScryptCost = 2 ** 24

/** @throws HoldfastError ERR_SSH_KEY if it would take too long, or is no encrypted PKCS#8 */
export function checkPkcs8Cost(der: Buffer, source: string): void {
  const [algorithm] = derSequence(readDerValues(der, source)[0], source)
  const [oid, parameters] = derSequence(algorithm, source)
  if (derOid(oid, source) !== oids.pbes2) {
    // PBES1 (RFC 8018 appendix A.3) and PKCS#12 (RFC 7292 appendix C): salt and iterations.
    return checkIterations(derSequence(parameters, source)[1], source)
  }
  const [keyDerivation] = derSequence(parameters, source)
  checkKeyDerivation(derSequence(keyDerivation, source), source)
}

function checkKeyDerivation([oid, parameters]: readonly DerValue[], source: string): void {
  const name = derOid(oid, source)
  const [, first, second, third] = derSequence(parameters, source)
  if (name === oids.pbkdf2) return checkIterations(first, source)
  if (name !== oids.scrypt) throw keyError(source, 'is encrypted with a key derivation that is not supported')
  const cost = derInteger(first, source) * derInteger(second, source) * derInteger(third, source)
  if (cost > maxScryptCost) throw tooSlow(source, `scrypt at a cost of ${cost}`, maxScryptCost)
}

function checkIterations(value: DerValue | undefined, source: string): void {
  const iterations = derInteger(value, source)
  if (iterations > maxIterations) throw tooSlow(source, `${iterations} iterations`, maxIterations)
}

function tooSlow(source: string, what: string, most: number): Error {
  return keyError(source, `asks for ${what}, where at most ${most} are allowed; encrypt it anew`)
}
