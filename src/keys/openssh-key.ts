import type { KeyObject } from 'node:crypto'
import { HoldfastError } from '../errors.js'
import { KeyReader, keyError } from './key-reader.js'
import { type KeyRules, safeKeys } from './key-types/key-type.js'
import { keyTypes } from './key-types/registry.js'
import { offThread } from './off-thread.js'
import { type PrivateKeyCipher, privateKeyCiphers } from './private-key-ciphers.js'
import { type PublicKey, parsePublicKey } from './public-key.js'
import { runSlowJob, type SlowJob } from './slow-job.js'

/** What stands in a file of OpenSSH's own format (PROTOCOL.key), as far as it can be read without a passphrase. */
export interface OpensshKeyFile {
  readonly rules: KeyRules
  readonly publicKey: PublicKey
  readonly encryption: Encryption | undefined
  /** Encrypted if there is an `encryption`. */
  readonly privateSection: Buffer
  readonly tag: Buffer
}

interface Encryption {
  readonly cipher: PrivateKeyCipher
  readonly salt: Buffer
  readonly rounds: number
}

const magic = Buffer.from('openssh-key-v1\0')
/** 17 ms a round. `ssh-keygen -a` writes 16 or 24 by itself; more than this would take over a minute. */
const maxRounds = 4096

/** @throws HoldfastError ERR_SSH_KEY */
export function readOpensshKeyFile(bytes: Buffer, source: string, rules: KeyRules = safeKeys): OpensshKeyFile {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw keyError(source, 'does not begin with openssh-key-v1')
  const reader = new KeyReader(source, bytes, magic.length)
  const cipherName = reader.name('cipher')
  const kdfName = reader.name('key derivation function')
  const kdfOptions = reader.string('options of the key derivation')
  const count = reader.uint32('number of keys')
  if (count !== 1) throw reader.error('number of keys', `is ${count}; exactly one is supported`)
  const publicKey = parsePublicKey(reader.string('public key'), source, rules)
  const encryption = readEncryption(cipherName, kdfName, kdfOptions, reader, source)
  const privateSection = reader.string('private section')
  const tag = reader.bytes(encryption?.cipher.tagBytes ?? 0, 'tag')
  reader.end()
  const blockBytes = encryption?.cipher.blockBytes ?? 8
  if (privateSection.length % blockBytes !== 0) throw reader.error('private section', 'is no whole number of blocks')
  return { rules, publicKey, encryption, privateSection, tag }
}

function readEncryption(
  cipherName: string,
  kdfName: string,
  kdfOptions: Buffer,
  reader: KeyReader,
  source: string,
): Encryption | undefined {
  if (cipherName === 'none' && kdfName === 'none') return undefined
  const cipher = privateKeyCiphers.get(cipherName)
  if (cipher === undefined) throw reader.error('cipher', `is ${cipherName}, which is not supported`)
  if (kdfName !== 'bcrypt') throw reader.error('key derivation function', `is ${kdfName}, where bcrypt is needed`)
  const options = new KeyReader(source, kdfOptions)
  const salt = options.string('salt', 64)
  const rounds = options.uint32('rounds')
  options.end()
  if (salt.length === 0 || rounds === 0) throw options.error('salt and rounds', 'are not both there')
  if (rounds > maxRounds) {
    const advice = 'load the key into an agent, or write it anew with ssh-keygen -p -a 64'
    throw options.error('rounds', `are ${rounds}, where at most ${maxRounds} are allowed; ${advice}`)
  }
  return { cipher, salt, rounds }
}

export interface OpensshPrivateKey {
  readonly key: KeyObject
  readonly comment: string
}

/** @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE, ERR_SSH_ABORTED */
export async function openOpensshKeyFile(
  file: OpensshKeyFile,
  passphrase: Buffer | undefined,
  source: string,
  signal?: AbortSignal,
): Promise<OpensshPrivateKey> {
  const job = derivation(file, passphrase, source)
  return readOpened(file, job && (await offThread(job, signal)), source)
}

/** The same at once: the event loop stands still meanwhile. @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE */
export function openOpensshKeyFileSync(
  file: OpensshKeyFile,
  passphrase: Buffer | undefined,
  source: string,
): OpensshPrivateKey {
  const job = derivation(file, passphrase, source)
  return readOpened(file, job && runSlowJob(job), source)
}

/** What turns the passphrase into the key of the file; undefined where it is not encrypted. */
function derivation(
  { encryption }: OpensshKeyFile,
  passphrase: Buffer | undefined,
  source: string,
): SlowJob | undefined {
  if (encryption === undefined) return undefined
  if (passphrase === undefined) throw passphraseMissing(source)
  // Nobody encrypts with nothing, and bcrypt refuses it.
  if (passphrase.length === 0) throw passphraseWrong(source)
  const { cipher, salt, rounds } = encryption
  return { job: 'bcrypt', passphrase, salt, rounds, bytes: cipher.keyBytes + cipher.ivBytes }
}

function readOpened(file: OpensshKeyFile, derived: Uint8Array | undefined, source: string): OpensshPrivateKey {
  const { encryption, privateSection } = file
  if (encryption === undefined) return readPrivateSection(privateSection, file, source)
  const plain = derived && decrypt(file, encryption.cipher, Buffer.from(derived))
  if (plain === undefined || !hasEqualChecks(plain)) throw passphraseWrong(source)
  return readPrivateSection(plain, file, source)
}

export function passphraseMissing(source: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PASSPHRASE', `${source}: is encrypted, and no passphrase was given`)
}

export function passphraseWrong(source: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PASSPHRASE', `${source}: the passphrase is wrong, or the file is damaged`)
}

function decrypt(
  { privateSection, tag }: OpensshKeyFile,
  cipher: PrivateKeyCipher,
  derived: Buffer,
): Buffer | undefined {
  const [key, iv] = [derived.subarray(0, cipher.keyBytes), derived.subarray(cipher.keyBytes)]
  return cipher.decrypt(key, iv, privateSection, tag)
}

/** The section begins with one random number written twice: what a wrong key makes of it differs. */
function hasEqualChecks(section: Buffer): boolean {
  return section.length >= 8 && section.readUInt32BE(0) === section.readUInt32BE(4)
}

function readPrivateSection(section: Buffer, { publicKey, rules }: OpensshKeyFile, source: string): OpensshPrivateKey {
  const reader = new KeyReader(source, section)
  if (reader.uint32('check') !== reader.uint32('check')) throw reader.error('private section', 'is damaged')
  const type = reader.name('private key type')
  if (type !== publicKey.plainType)
    throw reader.error('private key type', `differs from the public one, ${publicKey.type}`)
  const form = keyTypes.get(type)?.privateForm
  if (form === undefined) throw inHardware(source)
  const key = form.readPrivate(reader, rules)
  const comment = reader.text('comment')
  checkPadding(reader)
  return { key, comment }
}

function inHardware(source: string): HoldfastError {
  return new HoldfastError('ERR_SSH_UNSUPPORTED', `${source}: the private half is inside a security key`, {
    hint: 'load it into an agent with ssh-add: the agent asks the security key to sign',
  })
}

/** 1, 2, 3, … to the end of a block. */
function checkPadding(reader: KeyReader): void {
  const padding = reader.rest()
  if (padding.some((byte, index) => byte !== ((index + 1) & 0xff))) throw reader.error('padding', 'is damaged')
}
