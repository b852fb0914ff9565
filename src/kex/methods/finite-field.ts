/** Diffie-Hellman over a prime field (RFC 4253 section 8), on node:crypto. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import type { Group } from '../../wire/kex-method-messages.js'
import { encodeDhPrivateKey, encodeDhPublicKey, publicValueOf } from './dh-der.js'
import { type Agreement, mpintSecret, refused, symmetric } from './share-exchange.js'

/**
 * The size of our exponents: twice the strength of the largest group (RFC 3526 section 8), and below any prime in use.
 * At 8192 bits such a key takes 10 ms to make; one as long as the prime, as generateKeyPairSync makes it, 150 ms.
 */
const exponentBytes = 64

/** Larger primes cost the peer's choice of our time; smaller ones are within reach of attackers (RFC 8270). */
export const minPrimeBits = 2048
export const maxPrimeBits = 8192

export function finiteField(group: Group): Agreement {
  return symmetric((randomBytes) => {
    const der = encodeDhPrivateKey(group, randomBytes(exponentBytes))
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const share = publicValueOf(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }))
    return { share, finish: (peer, field) => mpintSecret(agree(group, privateKey, peer, field)) }
  })
}

/** The values that RFC 4253 section 8 and RFC 8268 section 4 exclude give a secret that anybody knows. */
function agree(group: Group, privateKey: KeyObject, peer: Buffer, field: string): Buffer {
  if (!isBetween1AndLast(peer, group.prime)) throw refused(field, 'is not between 1 and p-1')
  const publicKey = createPublicKey({ key: encodeDhPublicKey(group, peer), format: 'der', type: 'spki' })
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch {
    // OpenSSL also checks the order of a value where it knows the group.
    throw refused(field, 'is not a member of the group')
  }
}

/**
 * Whether a group that a server sent can be used: RFC 4419 section 3 leaves this check to the client. That p is prime is
 * not tested: it takes seconds, and a server that wants to give the secret away has simpler ways.
 * @throws HoldfastError ERR_SSH_PROTOCOL
 */
export function checkGroup({ prime, generator }: Group, message: string): void {
  const bits = bitLength(prime)
  if (bits < minPrimeBits || bits > maxPrimeBits) {
    throw refused(`${message}: p`, `has ${bits} bits, where ${minPrimeBits} to ${maxPrimeBits} are allowed`)
  }
  if (((prime.at(-1) ?? 0) & 1) === 0) throw refused(`${message}: p`, 'is even, and so no prime')
  if (!isBetween1AndLast(generator, prime)) throw refused(`${message}: g`, 'is not between 1 and p-1')
}

function isBetween1AndLast(value: Buffer, prime: Buffer): boolean {
  const number = toBigInt(value)
  return number > 1n && number < toBigInt(prime) - 1n
}

function bitLength(magnitude: Buffer): number {
  return toBigInt(magnitude).toString(2).length
}

const toBigInt = (magnitude: Buffer): bigint => BigInt(`0x0${magnitude.toString('hex')}`)
