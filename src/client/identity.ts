import { basename } from 'node:path'
import type { AuthWay } from '../auth/client.js'
import type { AskPerson } from '../auth/prompt.js'
import type { Signer, SignerSource } from '../auth/signer.js'
import { agentSigners, certifiedSigner, keySigner, lockedKeySigner } from '../auth/signers.js'
import { HoldfastError } from '../errors.js'
import type { Agent } from '../keys/agent.js'
import { SocketAgent } from '../keys/agent-socket.js'
import { readSmallFile } from '../keys/files.js'
import { defaultAgentPath, defaultIdentityFiles, expandHome } from '../keys/paths.js'
import type { PrivateKey } from '../keys/private-key.js'
import { parsePrivateKey, publicHalfOf } from '../keys/private-key-file.js'
import type { PublicKey } from '../keys/public-key.js'
import { parsePublicKeyLine } from '../keys/public-key-line.js'
import type { ConnectOptions } from './options.js'

/** How this client can say who it is, and what was looked for in vain. */
export interface Identity {
  readonly ways: readonly AuthWay[]
  readonly notes: readonly string[]
  /** Lets go of the agent. */
  close(): void
}

/** OpenSSH's own bound for a key file. */
const maxKeyFileBytes = 1024 * 1024

/**
 * Gathers keys, agent, password and prompt. A key file that the program named must be there and be right; of the
 * default ones those count that can be used.
 * @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE
 */
export async function loadIdentity(options: ConnectOptions): Promise<Identity> {
  const { privateKey, identityFiles, password, agent, prompt } = options
  const nothingGiven = privateKey === undefined && identityFiles === undefined && password === undefined
  const usesAgent = agent !== undefined || nothingGiven || identityFiles !== undefined
  const loadedAgent = usesAgent ? openAgent(agent) : undefined
  const given = privateKey === undefined ? [] : [await givenKey(privateKey, options)]
  const files =
    identityFiles === undefined
      ? await Promise.all((nothingGiven ? defaultIdentityFiles() : []).map((path) => loadDefault(path, options)))
      : await Promise.all(identityFiles.map((path) => loadNamed(expandHome(path), options)))
  const loaded = files.flatMap((file) => file.signers)
  const only = options.identitiesOnly ? files.flatMap((file) => file.publicKeys) : undefined
  const keys: (Signer | SignerSource)[] = [...given]
  if (loadedAgent !== undefined) keys.push(agentSigners(loadedAgent, only))
  keys.push(...loaded)
  const ways: AuthWay[] = []
  if (keys.length > 0) ways.push({ method: 'publickey', keys, algorithms: options.algorithms?.publicKey })
  ways.push(...passwordWays(password, options.changePassword, prompt))
  return { ways, notes: files.flatMap((file) => file.notes), close: () => loadedAgent?.close() }
}

function passwordWays(
  password: string | undefined,
  changePassword: AskPerson | undefined,
  prompt: AskPerson | undefined,
): AuthWay[] {
  const answers = prompt ?? password
  if (answers === undefined) return []
  return [
    { method: 'password', password: password ?? answers, changePassword: changePassword ?? prompt },
    { method: 'keyboard-interactive', answers },
  ]
}

function openAgent(agent: ConnectOptions['agent']): Agent | undefined {
  if (agent === false) return undefined
  if (typeof agent === 'object') return agent
  const path = agent === undefined ? defaultAgentPath() : expandHome(agent)
  return path === undefined ? undefined : new SocketAgent(path)
}

async function givenKey(contents: string | Buffer, options: ConnectOptions): Promise<Signer> {
  const key = await parsePrivateKey(contents, { passphrase: options.passphrase, source: 'privateKey' })
  const signer = keySigner(key, 'privateKey')
  if (options.certificate === undefined) return signer
  return certifiedSigner(signer, parsePublicKeyLine(options.certificate.toString('utf8'), 'certificate').key)
}

/** What one identity file gave. */
interface LoadedFile {
  readonly signers: readonly Signer[]
  /** For IdentitiesOnly: whose private halves an agent may be asked for. */
  readonly publicKeys: readonly PublicKey[]
  readonly notes: readonly string[]
}

async function loadNamed(path: string, options: ConnectOptions): Promise<LoadedFile> {
  const contents = await readKeyFile(path)
  const publicKey = await publicKeyBeside(path)
  if (contents !== undefined && !isPublicKey(contents)) return await loadPrivate(path, contents, publicKey, options)
  const only = contents === undefined ? publicKey : parsePublicKeyLine(contents.toString('utf8'), path).key
  if (only !== undefined) return { signers: [], publicKeys: [only], notes: [`${path}: only the public half is there`] }
  throw new HoldfastError('ERR_SSH_KEY', `${path}: there is no such file`, { phase: 'options' })
}

async function loadDefault(path: string, options: ConnectOptions): Promise<LoadedFile> {
  try {
    const contents = await readKeyFile(path)
    if (contents === undefined) return nothing(`${path}: no such file`)
    return await loadPrivate(path, contents, await publicKeyBeside(path), options)
  } catch (error) {
    if (error instanceof HoldfastError) return nothing(error.message)
    throw error
  }
}

function nothing(note: string): LoadedFile {
  return { signers: [], publicKeys: [], notes: [note] }
}

async function loadPrivate(
  path: string,
  contents: Buffer,
  beside: PublicKey | undefined,
  options: ConnectOptions,
): Promise<LoadedFile> {
  const signer = await makeSigner(path, contents, beside, options)
  const certificate = await readPublicKey(`${path}-cert.pub`)
  const certified = certificate === undefined ? [] : [certifiedSigner(signer, certificate)]
  return { signers: [...certified, signer], publicKeys: [signer.publicKey], notes: [] }
}

/** A key whose public half is known is unlocked only once the peer would take it: that can cost a second. */
async function makeSigner(
  path: string,
  contents: Buffer,
  beside: PublicKey | undefined,
  { passphrase }: ConnectOptions,
): Promise<Signer> {
  const publicKey = publicHalfOf(contents, path) ?? beside
  if (passphrase === undefined || publicKey === undefined) {
    return keySigner(await parsePrivateKey(contents, { passphrase, source: path }), path)
  }
  let unlocked: Promise<PrivateKey> | undefined
  return lockedKeySigner(publicKey, path, (signal) => {
    unlocked ??= parsePrivateKey(contents, { passphrase, source: path, signal })
    return unlocked
  })
}

function isPublicKey(contents: Buffer): boolean {
  return /^(?:ssh-|ecdsa-|sk-)/.test(contents.toString('latin1', 0, 16))
}

function publicKeyBeside(path: string): Promise<PublicKey | undefined> {
  return basename(path).endsWith('.pub') ? Promise.resolve(undefined) : readPublicKey(`${path}.pub`)
}

async function readPublicKey(path: string): Promise<PublicKey | undefined> {
  const contents = await readKeyFile(path)
  return contents === undefined ? undefined : parsePublicKeyLine(contents.toString('utf8'), path).key
}

async function readKeyFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readSmallFile(path, maxKeyFileBytes)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HoldfastError('ERR_SSH_KEY', `${path}: could not be read: ${reason}`, { phase: 'options', cause: error })
  }
}
