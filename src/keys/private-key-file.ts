import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { HoldfastError } from '../errors.js'
import { printable } from '../wire/printable.js'
import { keyError } from './key-reader.js'
import type { KeyRules } from './key-types/key-type.js'
import { offThread } from './off-thread.js'
import {
  type OpensshKeyFile,
  type OpensshPrivateKey,
  openOpensshKeyFile,
  openOpensshKeyFileSync,
  passphraseMissing,
  passphraseWrong,
  readOpensshKeyFile,
} from './openssh-key.js'
import { decodePem, findPemBlock, type PemBlock } from './pem.js'
import { checkPkcs8Cost } from './pkcs8.js'
import { type PrivateKey, privateKeyFrom } from './private-key.js'
import type { PublicKey } from './public-key.js'
import { runSlowJob, type SlowJob } from './slow-job.js'

export interface PrivateKeyOptions {
  readonly passphrase?: string | Buffer | undefined
  /** The file that the key comes from, as errors are to show it. */
  readonly source: string
  /** Ends the thread that turns a passphrase into a key. */
  readonly signal?: AbortSignal | undefined
}

/** OpenSSH's own bound for a key file. */
export const maxKeyFileBytes = 1024 * 1024
const encryptedPkcs8Label = 'ENCRYPTED PRIVATE KEY'
const opensshLabel = 'OPENSSH PRIVATE KEY'

/**
 * Reads a private key in OpenSSH's format, in PEM (PKCS#1, SEC1) or PKCS#8, encrypted or not. What a passphrase costs
 * is paid in another thread, and is bounded: 4096 rounds of bcrypt, ten million iterations of PBKDF2.
 * @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE (missing or wrong), ERR_SSH_UNSUPPORTED (the private half is in
 *   hardware), ERR_SSH_ABORTED
 */
export async function parsePrivateKey(contents: Buffer | string, options: PrivateKeyOptions): Promise<PrivateKey> {
  const { source, signal } = options
  const passphrase = options.passphrase === undefined ? undefined : Buffer.from(options.passphrase)
  const block = findPrivateBlock(contents, source)
  const key =
    block.label === opensshLabel
      ? await openOpenssh(block, passphrase, source, signal)
      : privateKeyFrom(await openPem(block, passphrase, source, signal), '', source)
  checkHalves(key, source)
  return key
}

/** A private key, and the same for `node:crypto`. */
export interface OpenedPrivateKey {
  readonly object: KeyObject
  readonly privateKey: PrivateKey
}

/**
 * The same at once, for programs that cannot wait: what a passphrase costs stops the event loop meanwhile.
 * @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE (missing or wrong), ERR_SSH_UNSUPPORTED
 */
export function parsePrivateKeySync(
  contents: Buffer | string,
  { passphrase, source, rules }: Pick<PrivateKeyOptions, 'passphrase' | 'source'> & { readonly rules?: KeyRules },
): OpenedPrivateKey {
  const secret = passphrase === undefined ? undefined : Buffer.from(passphrase)
  const block = findPrivateBlock(contents, source)
  const opened =
    block.label === opensshLabel
      ? openOpensshSync(block, secret, source, rules)
      : openedPem(openPemSync(block, secret, source), source, rules)
  checkHalves(opened.privateKey, source)
  return opened
}

function openOpensshSync(
  block: PemBlock,
  passphrase: Buffer | undefined,
  source: string,
  rules: KeyRules | undefined,
): OpenedPrivateKey {
  const file = readOpensshKeyFile(decodePem(block, source), source, rules)
  const opened = openOpensshKeyFileSync(file, passphrase, source)
  return { object: opened.key, privateKey: privateKeyOf(file, opened, source) }
}

function openedPem(object: KeyObject, source: string, rules: KeyRules | undefined): OpenedPrivateKey {
  return { object, privateKey: privateKeyFrom(object, '', source, rules) }
}

/** The file names its public half once more, outside of what is encrypted. */
function privateKeyOf(file: OpensshKeyFile, { key, comment }: OpensshPrivateKey, source: string): PrivateKey {
  const privateKey = privateKeyFrom(key, comment, source, file.rules)
  if (!privateKey.publicKey.blob.equals(file.publicKey.plainBlob)) throw halvesDiffer(source)
  return privateKey
}

/** What a private key file tells without its passphrase. */
export interface PrivateKeyOutline {
  readonly encrypted: boolean
  /** Files in OpenSSH's format hold it in the clear; the others do not. */
  readonly publicKey: PublicKey | undefined
}

/** @throws HoldfastError ERR_SSH_KEY */
export function outlinePrivateKey(contents: Buffer | string, source: string): PrivateKeyOutline {
  const block = findPrivateBlock(contents, source)
  if (block.label !== opensshLabel) return { encrypted: isEncryptedPem(block), publicKey: undefined }
  const { encryption, publicKey } = readOpensshKeyFile(decodePem(block, source), source)
  return { encrypted: encryption !== undefined, publicKey }
}

function findPrivateBlock(contents: Buffer | string, source: string): PemBlock {
  if (contents.length > maxKeyFileBytes)
    throw keyError(source, `has more than ${maxKeyFileBytes} bytes, so it is no key`)
  const text = contents.toString('latin1').replace(/^\u00ef\u00bb\u00bf|^\ufeff/, '')
  const block = findPemBlock(text, 'PRIVATE KEY', source)
  if (block === undefined) throw keyError(source, whatElse(text))
  if (block.label === 'DSA PRIVATE KEY')
    throw keyError(source, 'is a DSA key, which is no longer supported; make an ed25519 key')
  return block
}

/** Whether it begins like the one line of a `.pub` file. */
export function looksPublic(text: string): boolean {
  return /^\s*(?:ssh-|ecdsa-sha2-|sk-)\S+ AAAA/.test(text)
}

/** What was given instead of a private key, and what to do about it. */
function whatElse(text: string): string {
  if (text.trim() === '') return 'is empty'
  if (text.startsWith('PuTTY-User-Key-File')) {
    return 'is a key of PuTTY; convert it with: puttygen key.ppk -O private-openssh -o key'
  }
  if (text.includes('BEGIN SSH2 ENCRYPTED PRIVATE KEY')) return 'is a key of ssh.com; convert it with ssh-keygen -i'
  if (looksPublic(text) || /BEGIN (?:SSH2 |RSA )?PUBLIC KEY/.test(text)) {
    return 'is a public key; give the private one, the file of the same name without .pub'
  }
  if (text.includes('BEGIN CERTIFICATE')) return 'is an X.509 certificate, for which SSH has no use'
  if (text.includes('PRIVATE KEY-----\\n')) return 'has the two characters \\n where line ends belong'
  return 'holds no private key'
}

async function openOpenssh(
  block: PemBlock,
  passphrase: Buffer | undefined,
  source: string,
  signal: AbortSignal | undefined,
): Promise<PrivateKey> {
  const file = readOpensshKeyFile(decodePem(block, source), source)
  return privateKeyOf(file, await openOpensshKeyFile(file, passphrase, source, signal), source)
}

async function openPem(
  block: PemBlock,
  passphrase: Buffer | undefined,
  source: string,
  signal: AbortSignal | undefined,
): Promise<KeyObject> {
  const job = decryption(block, passphrase, source)
  return readDecrypted(block, job && (await offThread(job, signal)), source)
}

function openPemSync(block: PemBlock, passphrase: Buffer | undefined, source: string): KeyObject {
  const job = decryption(block, passphrase, source)
  return readDecrypted(block, job && runSlowJob(job), source)
}

/** What decrypts it; undefined where it is not encrypted. */
function decryption(block: PemBlock, passphrase: Buffer | undefined, source: string): SlowJob | undefined {
  const der = decodePem(block, source)
  if (!isEncryptedPem(block)) return undefined
  if (block.label === encryptedPkcs8Label) checkPkcs8Cost(der, source)
  if (passphrase === undefined) throw passphraseMissing(source)
  return { job: 'pkcs8', pem: block.text, passphrase }
}

function readDecrypted(block: PemBlock, pkcs8: Uint8Array | undefined, source: string): KeyObject {
  if (!isEncryptedPem(block)) return openPlainPem(block, source)
  if (pkcs8 === undefined) throw passphraseWrong(source)
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
}

function isEncryptedPem({ label, headers }: PemBlock): boolean {
  return label === encryptedPkcs8Label || headers.has('DEK-Info')
}

function openPlainPem(block: PemBlock, source: string): KeyObject {
  try {
    return createPrivateKey(block.text)
  } catch {
    // OpenSSL's reason stays here: it names its own functions, and no text of it may show a piece of a key.
    throw keyError(source, `its ${printable(block.label)} is damaged`)
  }
}

/** A file whose two halves do not belong together would sign what no server accepts, and could give the key away. */
function checkHalves(key: PrivateKey, source: string): void {
  const [algorithm = ''] = key.publicKey.signatureAlgorithms
  const data = Buffer.from('the halves of this key belong together')
  if (!signs(key, algorithm, data)) throw halvesDiffer(source)
}

function signs(key: PrivateKey, algorithm: string, data: Buffer): boolean {
  try {
    return key.publicKey.verify(algorithm, data, key.sign(algorithm, data))
  } catch {
    return false
  }
}

function halvesDiffer(source: string): HoldfastError {
  return keyError(source, 'its private and its public half do not belong together')
}
