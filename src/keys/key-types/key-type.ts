import type { JsonWebKey, KeyObject } from 'node:crypto'
import type { Reader } from '../../wire/reader.js'

/** How weak a key may be. */
export interface KeyRules {
  /** Bits of an RSA modulus. */
  readonly minRsaBits: number
}

/** What holds for whoever says nothing of it. */
export const safeKeys: KeyRules = { minRsaBits: 2048 }

/** One kind of key: its fields in a key blob, and its signatures. */
export interface KeyType {
  /** The name that begins a key blob: `ssh-rsa`. */
  readonly name: string
  /** Strongest first. What the server must name before it is used comes last. */
  readonly signatureAlgorithms: readonly string[]
  /** Reads the fields that follow the name: in a plain key, and after the nonce in a certificate. */
  readPublic(reader: Reader, rules: KeyRules): PublicPart
  /** Absent where the private half never leaves the hardware. */
  readonly privateForm?: PrivateForm
}

export interface PublicPart {
  readonly bits: number
  /** The fields as they are encoded in a plain key, after the name. */
  readonly fields: Buffer
  /**
   * Reads what follows the algorithm's name in a signature (RFC 4253 section 6.6) and checks it.
   * @param algorithm one of `signatureAlgorithms`
   */
  verify(algorithm: string, data: Buffer, signature: Reader): boolean
}

export interface PrivateForm {
  /** Reads the fields that follow the name in an `openssh-key-v1` file. */
  readPrivate(reader: Reader, rules: KeyRules): KeyObject
  /** The public fields of a key in the form of RFC 7517, or undefined if it is of another kind. */
  publicFields(key: JsonWebKey): Buffer | undefined
  /** What follows the algorithm's name in a signature. */
  sign(algorithm: string, data: Buffer, key: KeyObject): Buffer
}
