import { createHash } from 'node:crypto'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import { type Certificate, readCertificate } from './certificate.js'
import { KeyReader } from './key-reader.js'
import { type KeyRules, type KeyType, type PublicPart, safeKeys } from './key-types/key-type.js'
import { isCertificateName, keyTypes, plainName } from './key-types/registry.js'

/** A public key, or a certificate that vouches for one. */
export interface PublicKey {
  /** As the blob names it: `ssh-ed25519`, `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string
  /** The type without the suffix of certificates. */
  readonly plainType: string
  /** The key as it goes over the wire: RFC 4253 section 6.6. */
  readonly blob: Buffer
  /** The blob of the key alone, without the certificate around it. */
  readonly plainBlob: Buffer
  readonly bits: number
  readonly certificate: Certificate | undefined
  /** Strongest first; `ssh-rsa`, which is SHA-1, comes last and is for those who name it. */
  readonly signatureAlgorithms: readonly string[]
  /** `SHA256:…` of the plain key, as `ssh-keygen -l` shows it. */
  fingerprint(): string
  /**
   * Checks a signature blob (RFC 4253 section 6.6). False for a signature by another algorithm than the one asked for,
   * and for garbage.
   * @param algorithm the algorithm agreed on; the name of a certificate's stands for its plain one
   */
  verify(algorithm: string, data: Buffer, signature: Buffer): boolean
}

/** No key is longer, and no certificate either: 256 principals of 1 KiB, and options. OpenSSH's own bound for a message. */
const maxBlobBytes = 256 * 1024

/**
 * @param what where the blob comes from, as errors are to show it
 * @throws HoldfastError ERR_SSH_KEY
 */
export function parsePublicKey(blob: Buffer, what = 'public key', rules: KeyRules = safeKeys): PublicKey {
  const reader = new KeyReader(what, blob)
  if (blob.length > maxBlobBytes) throw reader.error('blob', `has more than ${maxBlobBytes} bytes`)
  const type = reader.name('key type', 64)
  const keyType = keyTypes.get(plainName(type))
  if (keyType === undefined) throw reader.error('key type', unknownType(type))
  if (isCertificateName(type)) return parseCertifiedKey(type, keyType, reader, { blob, what, rules })
  const part = keyType.readPublic(reader, rules)
  reader.end()
  return new ParsedPublicKey({ type, keyType, blob, part, certificate: undefined })
}

function parseCertifiedKey(
  type: string,
  keyType: KeyType,
  reader: KeyReader,
  { blob, what, rules }: { readonly blob: Buffer; readonly what: string; readonly rules: KeyRules },
): PublicKey {
  reader.string('nonce')
  const part = keyType.readPublic(reader, rules)
  const certificate = readCertificate(reader, blob, (authority) =>
    parsePublicKey(authority, `${what}, its authority`, rules),
  )
  return new ParsedPublicKey({ type, keyType, blob, part, certificate })
}

function unknownType(type: string): string {
  if (type === 'ssh-dss')
    return 'is ssh-dss: DSA is broken, and no longer supported here or by OpenSSH; make an ed25519 key'
  return `is ${type}, which is not supported`
}

interface Parsed {
  readonly type: string
  readonly keyType: KeyType
  readonly blob: Buffer
  readonly part: PublicPart
  readonly certificate: Certificate | undefined
}

class ParsedPublicKey implements PublicKey {
  readonly type: string
  readonly plainType: string
  readonly blob: Buffer
  readonly plainBlob: Buffer
  readonly bits: number
  readonly certificate: Certificate | undefined
  readonly signatureAlgorithms: readonly string[]
  readonly #part: PublicPart

  constructor({ type, keyType, blob, part, certificate }: Parsed) {
    this.type = type
    this.plainType = keyType.name
    this.blob = blob
    this.plainBlob = encodePlainKey(keyType, part.fields)
    this.bits = part.bits
    this.certificate = certificate
    this.signatureAlgorithms = keyType.signatureAlgorithms
    this.#part = part
  }

  fingerprint(): string {
    return fingerprintOf(this.plainBlob)
  }

  verify(algorithm: string, data: Buffer, signature: Buffer): boolean {
    const wanted = plainName(algorithm)
    if (!this.signatureAlgorithms.includes(wanted)) return false
    try {
      const reader = new Reader('signature', signature)
      return reader.name('algorithm') === wanted && this.#part.verify(wanted, data, reader)
    } catch {
      // Malformed, or by an algorithm that this build of OpenSSL forbids (SHA-1): not verified either way.
      return false
    }
  }
}

export function encodePlainKey(keyType: KeyType, fields: Buffer): Buffer {
  return new Writer(fields.length + 64).string(keyType.name).bytes(fields).finish()
}

/** `SHA256:…` of a plain key's blob. */
export function fingerprintOf(plainBlob: Buffer): string {
  return `SHA256:${createHash('sha256').update(plainBlob).digest('base64').replace(/=+$/, '')}`
}
