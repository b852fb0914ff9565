import { HoldfastError } from '../errors.js'
import { readSmallFile } from './files.js'
import { keyError } from './key-reader.js'
import { defaultIdentityFiles, expandHome } from './paths.js'
import type { PrivateKey } from './private-key.js'
import { looksPublic, maxKeyFileBytes, outlinePrivateKey, parsePrivateKey } from './private-key-file.js'
import type { PublicKey } from './public-key.js'
import { parsePublicKeyLine } from './public-key-line.js'

/** A key to log in with, as its files tell of it. */
export interface Identity {
  /** The file, as errors are to show it. */
  readonly source: string
  readonly publicKey: PublicKey
  /** That vouch for this key, from `NAME-cert.pub`. */
  readonly certificates: readonly PublicKey[]
  readonly privateHalf: PrivateHalf
}

export type PrivateHalf =
  | { readonly state: 'open'; readonly key: PrivateKey }
  /** Encrypted. `unlock` fails with ERR_SSH_PASSPHRASE for a wrong one, and may be called again. */
  | { readonly state: 'locked'; unlock(passphrase: string | Buffer, signal?: AbortSignal): Promise<PrivateKey> }
  /** Only the public half is here: an agent may hold the other, or a security key by way of an agent. */
  | { readonly state: 'elsewhere' }

export interface IdentityOptions {
  /** Private keys, or public ones that choose a key of an agent. Undefined: those of `~/.ssh` that exist. */
  readonly files: readonly string[] | undefined
  /** Of certificates for these keys, or for keys of an agent, that do not stand beside their key. */
  readonly certificateFiles?: readonly string[] | undefined
  /** For files that do not tell their public half before they are decrypted. */
  readonly passphrase?: string | Buffer | undefined
  readonly signal?: AbortSignal | undefined
}

export interface LoadedIdentities {
  readonly identities: readonly Identity[]
  /** One a file that could not be used: the others do not suffer for it. */
  readonly problems: readonly HoldfastError[]
}

/**
 * Finds the keys to log in with, as ssh does: IdentityFile, its `.pub` and its `-cert.pub`.
 * @throws HoldfastError ERR_SSH_ABORTED
 */
export async function loadIdentities(options: IdentityOptions): Promise<LoadedIdentities> {
  const paths = (options.files ?? defaultIdentityFiles()).map(expandHome)
  const loaded = await Promise.all(paths.map((path) => loadIdentity(path, options)))
  const problems = loaded.flatMap((one) => one.problems)
  const certificates = await loadCertificates(options.certificateFiles ?? [], problems)
  return {
    identities: certificates.reduce(
      certified,
      loaded.flatMap(({ identities }) => identities),
    ),
    problems,
  }
}

interface CertificateFile {
  readonly path: string
  readonly certificate: PublicKey
}

async function loadCertificates(files: readonly string[], problems: HoldfastError[]): Promise<CertificateFile[]> {
  const paths = files.map(expandHome)
  const keys = await Promise.all(paths.map((path) => unlessBroken(problems, () => readCertificate(path))))
  return keys.flatMap((certificate, index) => (certificate ? [{ path: paths[index] ?? '', certificate }] : []))
}

async function readCertificate(path: string): Promise<PublicKey> {
  const key = await readPublicKeyFile(path)
  if (key === undefined) throw keyError(path, 'there is no such file')
  if (key.certificate === undefined) throw keyError(path, `holds no certificate but a ${key.type} key`)
  return key
}

/** A certificate goes with its key; where no file has that, an agent may. */
function certified(identities: Identity[], { path, certificate }: CertificateFile): Identity[] {
  const owner = identities.findIndex(({ publicKey }) => publicKey.plainBlob.equals(certificate.plainBlob))
  if (owner === -1) return [...identities, { source: path, certificates: [certificate], ...onlyPublic(certificate) }]
  return identities.map((identity, index) =>
    index === owner ? { ...identity, certificates: [...identity.certificates, certificate] } : identity,
  )
}

async function loadIdentity(path: string, options: IdentityOptions): Promise<LoadedIdentities> {
  const problems: HoldfastError[] = []
  const half = await unlessBroken(problems, () => loadHalf(path, options))
  if (half === undefined) return { identities: [], problems }
  const certificate = await unlessBroken(problems, () => readPublicKeyFile(`${path}-cert.pub`))
  const certifies = certificate?.certificate !== undefined && certificate.plainBlob.equals(half.publicKey.plainBlob)
  return { identities: [{ source: path, certificates: certifies ? [certificate] : [], ...half }], problems }
}

/** What one file has wrong is noted, and keeps nothing else from being used. */
async function unlessBroken<T>(problems: HoldfastError[], load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code === 'ERR_SSH_ABORTED') throw error
    problems.push(error)
    return undefined
  }
}

type Half = Pick<Identity, 'publicKey' | 'privateHalf'>

function onlyPublic(publicKey: PublicKey): Half {
  return { publicKey, privateHalf: { state: 'elsewhere' } }
}

async function loadHalf(path: string, options: IdentityOptions): Promise<Half | undefined> {
  const contents = await readKeyFile(path)
  if (contents !== undefined) return openHalf(contents, path, options)
  const publicKey = await readPublicKeyFile(`${path}.pub`)
  if (publicKey !== undefined) return onlyPublic(publicKey)
  if (options.files === undefined) return undefined
  throw keyError(path, 'there is no such file, nor one with .pub at its end')
}

async function openHalf(contents: Buffer, source: string, { passphrase, signal }: IdentityOptions): Promise<Half> {
  if (looksPublic(contents.toString('latin1', 0, 200))) return onlyPublic(firstKey(contents, source))
  const outline = outlinePrivateKey(contents, source)
  if (outline.publicKey?.plainType.startsWith('sk-')) return onlyPublic(outline.publicKey)
  if (outline.encrypted) {
    const publicKey = outline.publicKey ?? (await readPublicKeyFile(`${source}.pub`))
    if (publicKey !== undefined) return { publicKey, privateHalf: lockedHalf(contents, source) }
  }
  const key = await parsePrivateKey(contents, { source, passphrase, signal })
  return { publicKey: key.publicKey, privateHalf: { state: 'open', key } }
}

function lockedHalf(contents: Buffer, source: string): PrivateHalf {
  return {
    state: 'locked',
    unlock: (passphrase, signal) => parsePrivateKey(contents, { source, passphrase, signal }),
  }
}

/** The first line that is no comment, as ssh takes it. */
function firstKey(contents: Buffer, source: string): PublicKey {
  const line = contents
    .toString('utf8')
    .split('\n')
    .find((text) => !/^\s*(?:#|$)/.test(text))
  return parsePublicKeyLine(line ?? '', source).key
}

/**
 * Reads a `.pub` or `-cert.pub` file.
 * @returns undefined if there is none
 * @throws HoldfastError ERR_SSH_KEY
 */
export async function readPublicKeyFile(path: string): Promise<PublicKey | undefined> {
  const contents = await readKeyFile(path)
  return contents && firstKey(contents, path)
}

async function readKeyFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readSmallFile(path, maxKeyFileBytes)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HoldfastError('ERR_SSH_KEY', `${path}: could not be read: ${reason}`, { cause: error })
  }
}
