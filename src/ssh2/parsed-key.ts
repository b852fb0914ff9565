import { createPublicKey, type KeyObject, sign as signWith, verify as verifyWith } from 'node:crypto'
import { HoldfastError } from '../errors.js'
import type { KeyRules } from '../keys/key-types/key-type.js'
import { parsePrivateKeySync } from '../keys/private-key-file.js'
import { type PublicKey, parsePublicKey } from '../keys/public-key.js'
import { parsePublicKeyLine } from '../keys/public-key-line.js'
import { publicKeyObjectOf } from './public-key-object.js'

/** ssh2 takes any RSA key that OpenSSL does; old routers and switches have short ones. */
export const keyRules: KeyRules = { minRsaBits: 512 }

/** A key as ssh2 hands it out, and takes it. */
export interface ParsedKey {
  readonly type: string
  comment: string
  /** A signature as `node:crypto` makes it; an Error where the key has no private half. */
  sign(data: Buffer | string, algo?: string): Buffer | Error
  verify(data: Buffer | string, signature: Buffer, algo?: string): boolean | Error
  isPrivateKey(): boolean
  getPrivatePEM(): string | null
  getPublicPEM(): string
  getPublicSSH(): Buffer
  equals(key: Buffer | string | ParsedKey): boolean
}

/** What signs and verifies where the program names no hash. */
const hashes: ReadonlyMap<string, string> = new Map([
  ['ssh-rsa', 'sha1'],
  ['ecdsa-sha2-nistp256', 'sha256'],
  ['ecdsa-sha2-nistp384', 'sha384'],
  ['ecdsa-sha2-nistp521', 'sha512'],
])

/** In which form ssh2 writes a private key. */
const privateForms: ReadonlyMap<string, string> = new Map([
  ['rsa', 'pkcs1'],
  ['ec', 'sec1'],
])

class Key implements ParsedKey {
  readonly type: string
  comment: string
  readonly #blob: Buffer
  readonly #publicObject: KeyObject
  readonly #privateObject: KeyObject | undefined

  constructor(publicKey: PublicKey, comment: string, privateObject?: KeyObject) {
    this.type = publicKey.type
    this.comment = comment
    this.#blob = publicKey.blob
    this.#privateObject = privateObject
    this.#publicObject =
      privateObject === undefined ? publicKeyObjectOf(publicKey.plainBlob) : createPublicKey(privateObject)
  }

  sign(data: Buffer | string, algo?: string): Buffer | Error {
    const key = this.#privateObject
    if (key === undefined) return new Error('No private key available')
    return attempt(() => signWith(this.#hash(algo), Buffer.from(data), key))
  }

  verify(data: Buffer | string, signature: Buffer, algo?: string): boolean | Error {
    return attempt(() => verifyWith(this.#hash(algo), Buffer.from(data), this.#publicObject, signature))
  }

  isPrivateKey(): boolean {
    return this.#privateObject !== undefined
  }

  getPrivatePEM(): string | null {
    const key = this.#privateObject
    if (key === undefined) return null
    return exportPem(key, privateForms.get(key.asymmetricKeyType ?? '') ?? 'pkcs8')
  }

  getPublicPEM(): string {
    return exportPem(this.#publicObject, 'spki')
  }

  getPublicSSH(): Buffer {
    return Buffer.from(this.#blob)
  }

  equals(other: Buffer | string | ParsedKey): boolean {
    const key = parseKey(other)
    if (key instanceof Error) return false
    return key.getPublicSSH().equals(this.#blob) && key.getPrivatePEM() === this.getPrivatePEM()
  }

  #hash(algo: string | undefined): string | undefined {
    return algo === undefined || algo === '' ? hashes.get(this.type) : algo
  }
}

function exportPem(key: KeyObject, type: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one that does not fit the key is an error of Node's
  const options = { type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' }
  return key.export(options).toString().trim()
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Whether it is a key of ssh2's or ours: it is told by what it can do, since each copy of ssh2 has classes of its own. */
export function isParsedKey(value: unknown): value is ParsedKey {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') return false
  return ['sign', 'verify', 'isPrivateKey', 'getPublicSSH'].every(
    (method) => typeof Reflect.get(value, method) === 'function',
  )
}

/**
 * Reads a private key file, a public key in one line, or the bytes of a public key as they go over the wire.
 * @returns an Error, as ssh2 does, where it is none
 */
export function parseKey(data: unknown, passphrase?: unknown): ParsedKey | Error {
  if (isParsedKey(data)) return data
  if (typeof data !== 'string' && !Buffer.isBuffer(data)) return new Error('Key data must be a Buffer or string')
  if (passphrase !== undefined && passphrase !== null && typeof passphrase !== 'string' && !Buffer.isBuffer(passphrase))
    return new Error('Passphrase must be a string or Buffer when supplied')
  const text = data.toString('utf8').trim()
  if (text.includes('PRIVATE KEY-----')) return parsePrivate(text, passphrase ?? undefined)
  return parsePublic(data, text)
}

function parsePrivate(text: string, passphrase: string | Buffer | undefined): ParsedKey | Error {
  try {
    const { object, privateKey } = parsePrivateKeySync(text, { passphrase, source: 'privateKey', rules: keyRules })
    return new Key(privateKey.publicKey, privateKey.comment, object)
  } catch (error) {
    return keyError(error, text.includes('OPENSSH PRIVATE KEY'), passphrase !== undefined)
  }
}

function keyError(cause: unknown, isOpenssh: boolean, hasPassphrase: boolean): Error {
  const isLocked = cause instanceof HoldfastError && cause.code === 'ERR_SSH_PASSPHRASE'
  if (!isLocked) return new Error(cause instanceof Error ? cause.message : String(cause), { cause })
  const kind = isOpenssh ? 'private OpenSSH key' : 'OpenSSH private key'
  if (!hasPassphrase) return new Error(`Encrypted ${kind} detected, but no passphrase given`, { cause })
  return new Error(
    isOpenssh ? 'OpenSSH key integrity check failed -- bad passphrase?' : `Malformed ${kind}. Bad passphrase?`,
    {
      cause,
    },
  )
}

function parsePublic(data: Buffer | string, text: string): ParsedKey | Error {
  try {
    const { key, comment } = parsePublicKeyLine(text, 'public key', keyRules)
    return new Key(key, comment)
  } catch (lineError) {
    const rfc4716 = readRfc4716(text)
    const blob = rfc4716?.blob ?? (Buffer.isBuffer(data) ? data : undefined)
    const key = blob && attempt(() => new Key(parsePublicKey(blob, 'public key', keyRules), rfc4716?.comment ?? ''))
    if (key !== undefined && !(key instanceof Error)) return key
    return new Error('Unsupported key format', { cause: lineError })
  }
}

/** RFC 4716, as `ssh-keygen -e` writes it. */
function readRfc4716(text: string): { readonly blob: Buffer; readonly comment: string } | undefined {
  const [, body] = /^---- BEGIN SSH2 PUBLIC KEY ----\r?\n([\s\S]*?)---- END SSH2 PUBLIC KEY ----/.exec(text) ?? []
  if (body === undefined) return undefined
  const unfolded = body.replace(/\\\r?\n/g, '')
  const [, comment = ''] = /^Comment: *"?(.*?)"?\r?$/im.exec(unfolded) ?? []
  const base64 = unfolded.split(/\r?\n/).filter((line) => !line.includes(':'))
  return { blob: Buffer.from(base64.join(''), 'base64'), comment }
}
