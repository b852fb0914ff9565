import {
  createPrivateKey,
  type ED25519KeyPairOptions,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  type KeyPairSyncResult,
} from 'node:crypto'
import { HoldfastError } from '../errors.js'
import { Writer } from '../wire/writer.js'
import { keyError } from './key-reader.js'
import { type KeyRules, type PrivateForm, safeKeys } from './key-types/key-type.js'
import { keyTypes, plainName } from './key-types/registry.js'
import { encodePlainKey, type PublicKey, parsePublicKey } from './public-key.js'

export interface PrivateKey {
  readonly publicKey: PublicKey
  readonly comment: string
  /**
   * @param algorithm one of `publicKey.signatureAlgorithms`; the name of a certificate's stands for its plain one
   * @returns a signature blob (RFC 4253 section 6.6)
   * @throws HoldfastError ERR_SSH_KEY if this key cannot sign by that algorithm
   */
  sign(algorithm: string, data: Buffer): Buffer
}

export type GeneratedKeyType =
  | 'ssh-ed25519'
  | 'ecdsa-sha2-nistp256'
  | 'ecdsa-sha2-nistp384'
  | 'ecdsa-sha2-nistp521'
  | 'ssh-rsa'

/** For servers in tests. `ssh-rsa` has 3072 bits, and takes some tenths of a second. */
export function generatePrivateKey(type: GeneratedKeyType, comment = ''): PrivateKey {
  return privateKeyFrom(generateKeyObject(type), comment, 'generated key')
}

/**
 * @param source the file that the key came from, as errors are to show it
 * @throws HoldfastError ERR_SSH_KEY for a key of a type that SSH does not know, or too weak a one
 */
export function privateKeyFrom(
  key: KeyObject,
  comment: string,
  source: string,
  rules: KeyRules = safeKeys,
): PrivateKey {
  const type = key.asymmetricKeyType ?? 'secret'
  if (type === 'dsa')
    throw keyError(source, 'is a DSA key: DSA is broken, and no longer supported; make an ed25519 key')
  const jwk = exportJwk(key)
  for (const keyType of keyTypes.values()) {
    const fields = keyType.privateForm?.publicFields(jwk)
    if (fields === undefined || keyType.privateForm === undefined) continue
    const publicKey = parsePublicKey(encodePlainKey(keyType, fields), source, rules)
    return new LoadedPrivateKey(publicKey, comment, key, keyType.privateForm)
  }
  throw keyError(source, `is a private key of type ${type}, which SSH has no use for`)
}

/** Keys of types without a form in RFC 7517, which no SSH key lacks, become one that matches nothing. */
function exportJwk(key: KeyObject): JsonWebKey {
  try {
    return key.export({ format: 'jwk' })
  } catch {
    return {}
  }
}

class LoadedPrivateKey implements PrivateKey {
  readonly publicKey: PublicKey
  readonly comment: string
  readonly #key: KeyObject
  readonly #form: PrivateForm

  constructor(publicKey: PublicKey, comment: string, key: KeyObject, form: PrivateForm) {
    this.publicKey = publicKey
    this.comment = comment
    this.#key = key
    this.#form = form
  }

  sign(algorithm: string, data: Buffer): Buffer {
    const plain = plainName(algorithm)
    if (!this.publicKey.signatureAlgorithms.includes(plain)) {
      throw new HoldfastError('ERR_SSH_KEY', `a key of type ${this.publicKey.type} cannot sign by ${algorithm}`)
    }
    return new Writer()
      .string(plain)
      .bytes(this.#form.sign(plain, data, this.#key))
      .finish()
  }
}

/**
 * Read back from its bytes, as a key of its own: in Node 20 an export of a key that was just made locks it, and where
 * garbage is collected meanwhile, the job that made it locks it too, as it goes, and the process waits for itself for good.
 */
function generateKeyObject(type: GeneratedKeyType): KeyObject {
  const { privateKey: key } = generateEncoded(type)
  try {
    return createPrivateKey({ key, type: 'pkcs8', format: 'der' })
  } finally {
    key.fill(0)
  }
}

function generateEncoded(type: GeneratedKeyType): KeyPairSyncResult<Buffer, Buffer> {
  if (type === 'ssh-ed25519') return generateKeyPairSync('ed25519', encodings)
  if (type === 'ssh-rsa') return generateKeyPairSync('rsa', { modulusLength: 3072, ...encodings })
  return generateKeyPairSync('ec', { namedCurve: namedCurves[type], ...encodings })
}

/** A type of Node's own: a literal's matches the overloads for KeyObjects. */
const encodings: ED25519KeyPairOptions<'der', 'der'> = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
}

const namedCurves = {
  'ecdsa-sha2-nistp256': 'P-256',
  'ecdsa-sha2-nistp384': 'P-384',
  'ecdsa-sha2-nistp521': 'P-521',
} as const
