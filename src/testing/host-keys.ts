import { requestAlgorithm, usableAlgorithms } from '../auth/signer.js'
import type { HostKeySigner } from '../kex/host-key.js'
import { type GeneratedKeyType, generatePrivateKey, type PrivateKey } from '../keys/private-key.js'
import { parsePrivateKey } from '../keys/private-key-file.js'
import type { PublicKey } from '../keys/public-key.js'
import { parsePublicKeyLine } from '../keys/public-key-line.js'
import { checkChoice, checkFields, checkList, checkObject, checkText, checkType, optionError } from './option-checks.js'

/** A host key of the server: made anew, or read from the contents of a private key file. */
export type HostKeyOption =
  | { readonly generate: GeneratedKeyType }
  | {
      readonly generate?: undefined
      readonly privateKey: string | Buffer
      readonly passphrase?: string | undefined
      /** A line of `-cert.pub`, which vouches for it. */
      readonly certificate?: string | undefined
    }

/** What a client has to know of a host key to trust it. */
export interface HostKeyInfo {
  /** `ssh-ed25519` */
  readonly type: string
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string
  /** A line for a known_hosts file. */
  readonly knownHostsLine: string
}

const generatedKeyTypes: readonly GeneratedKeyType[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]

interface HostKey {
  readonly key: PrivateKey
  readonly certificate: PublicKey | undefined
}

/** The host keys of a server, as its key exchanges sign with them. */
export class HostKeys implements HostKeySigner {
  readonly algorithms: readonly string[]
  readonly #keys: readonly HostKey[]
  readonly #byAlgorithm = new Map<string, { readonly key: PrivateKey; readonly shown: PublicKey }>()

  /** @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE, ERR_SSH_OPTION */
  static async from(options: readonly HostKeyOption[]): Promise<HostKeys> {
    checkList('hostKeys', options)
    if (options.length === 0) throw optionError('hostKeys', 'is empty: a server needs at least one')
    return new HostKeys(await Promise.all(options.map((option, index) => load(option, `hostKeys[${index}]`))))
  }

  constructor(keys: readonly HostKey[]) {
    this.#keys = keys
    for (const { key, certificate } of keys) {
      for (const shown of certificate === undefined ? [key.publicKey] : [certificate, key.publicKey]) {
        for (const algorithm of usableAlgorithms(shown, undefined)) {
          this.#byAlgorithm.set(requestAlgorithm(shown, algorithm), { key, shown })
        }
      }
    }
    this.algorithms = [...this.#byAlgorithm.keys()]
  }

  info(host: string, port: number): readonly HostKeyInfo[] {
    return this.#keys.map(({ key: { publicKey } }) => ({
      type: publicKey.type,
      fingerprint: publicKey.fingerprint(),
      knownHostsLine: `[${host}]:${port} ${publicKey.type} ${publicKey.blob.toString('base64')}`,
    }))
  }

  hostKey(algorithm: string): Buffer {
    return this.#find(algorithm).shown.blob
  }

  sign(algorithm: string, exchangeHash: Buffer): Buffer {
    return this.#find(algorithm).key.sign(algorithm, exchangeHash)
  }

  #find(algorithm: string): { readonly key: PrivateKey; readonly shown: PublicKey } {
    const found = this.#byAlgorithm.get(algorithm)
    if (found === undefined) throw new RangeError(`no host key signs by ${algorithm}`)
    return found
  }
}

async function load(option: HostKeyOption, name: string): Promise<HostKey> {
  checkObject(name, option)
  if (option.generate !== undefined) {
    checkFields(name, option, { generate: true })
    checkChoice(`${name}.generate`, option.generate, generatedKeyTypes)
    return { key: generatePrivateKey(option.generate), certificate: undefined }
  }
  checkFields(name, option, { generate: true, privateKey: true, passphrase: true, certificate: true })
  const { privateKey, passphrase, certificate } = option
  if (!Buffer.isBuffer(privateKey)) checkText(`${name}.privateKey`, privateKey)
  checkType(`${name}.passphrase`, passphrase, 'string')
  checkType(`${name}.certificate`, certificate, 'string')
  const source = 'hostKeys'
  const key = await parsePrivateKey(privateKey, { source, ...(passphrase === undefined ? {} : { passphrase }) })
  return { key, certificate: certificate === undefined ? undefined : parsePublicKeyLine(certificate, source).key }
}
