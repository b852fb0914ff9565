import type { AuthWay } from '../auth/client.js'
import type { AskPerson } from '../auth/prompt.js'
import type { Signer, SignerSource } from '../auth/signer.js'
import { agentSigners, certifiedSigner, keySigner, lockedKeySigner } from '../auth/signers.js'
import { HoldfastError } from '../errors.js'
import type { Agent } from '../keys/agent.js'
import { SocketAgent } from '../keys/agent-socket.js'
import { type Identity as KeyIdentity, loadIdentities } from '../keys/identities.js'
import { defaultAgentPath, expandHome } from '../keys/paths.js'
import type { PrivateKey } from '../keys/private-key.js'
import { parsePrivateKey } from '../keys/private-key-file.js'
import { parsePublicKeyLine } from '../keys/public-key-line.js'
import type { ConnectOptions } from './options.js'

/** How this client can say who it is, and what was looked for in vain. */
export interface Identity {
  readonly ways: readonly AuthWay[]
  readonly notes: readonly string[]
  /** Lets go of the agent. */
  close(): void
}

/**
 * Gathers keys, agent, password and prompt. A key that the program itself gave must be right; a file that cannot be used
 * is told of when authentication fails, and keeps no other from being tried.
 * @throws HoldfastError ERR_SSH_KEY, ERR_SSH_PASSPHRASE, for `privateKey` and `certificate`
 */
export async function loadIdentity(options: ConnectOptions, signal?: AbortSignal): Promise<Identity> {
  const { privateKey, identityFiles, password, changePassword, prompt } = options
  const given = privateKey === undefined ? [] : [await givenKey(privateKey, options, signal)]
  const { identities, problems } = looksForFiles(options)
    ? await loadIdentities({
        files: identityFiles,
        certificateFiles: options.certificateFiles,
        passphrase: options.passphrase,
        signal,
      })
    : { identities: [], problems: [] }
  const opened = openAgent(options)
  const agent = opened ?? givenAgent(options)
  const keys: (Signer | SignerSource)[] = [...given]
  const others = options.identitiesOnly ? 'unused' : 'after'
  if (agent !== undefined) keys.push(agentSigners(agent, { chosen: identities, others }))
  keys.push(...identities.flatMap((identity) => signersOf(identity, options)))
  const ways: AuthWay[] = []
  if (keys.length > 0) ways.push({ method: 'publickey', keys, algorithms: options.algorithms?.publicKey })
  ways.push(...passwordWays(password, changePassword, prompt))
  return { ways, notes: problems.map(({ message }) => message), close: () => opened?.close() }
}

/** Nothing given, it does as ssh does. */
function looksForFiles({ privateKey, identityFiles, password }: ConnectOptions): boolean {
  return identityFiles !== undefined || (privateKey === undefined && password === undefined)
}

/** One that the program gave is its own to close: other clients may use it too. */
function givenAgent({ agent }: ConnectOptions): Agent | undefined {
  return typeof agent === 'object' ? agent : undefined
}

function openAgent(options: ConnectOptions): SocketAgent | undefined {
  const { agent } = options
  if (agent === false || typeof agent === 'object' || (agent === undefined && !looksForFiles(options))) return undefined
  const path = agent === undefined ? defaultAgentPath() : expandHome(agent)
  return path === undefined ? undefined : new SocketAgent(path)
}

async function givenKey(
  contents: string | Buffer,
  { passphrase, certificate }: ConnectOptions,
  signal: AbortSignal | undefined,
): Promise<Signer> {
  if (looksLikePath(contents)) throw takesContents('privateKey', 'identityFiles')
  const signer = keySigner(await parsePrivateKey(contents, { passphrase, source: 'privateKey', signal }), 'privateKey')
  if (certificate === undefined) return signer
  if (looksLikePath(certificate)) throw takesContents('certificate', 'certificateFiles')
  return certifiedSigner(signer, parsePublicKeyLine(certificate.toString('utf8'), 'certificate').key)
}

/** One line that begins or ends as the paths of keys do. */
function looksLikePath(contents: string | Buffer): boolean {
  const text = contents.length > 4096 ? '' : contents.toString('utf8').trim()
  return /^(?:~|\.{0,2}[/\\]|[a-z]:[/\\]).*$|^(?:\S*[/\\])?id_\w+$|^\S+\.(?:pem|key|ppk|pub)$/i.test(text)
}

/** What was given is not shown: it may be a secret after all. */
function takesContents(option: string, fileOption: string): HoldfastError {
  const message = `${option}: takes the key itself, the text of its file, and what was given looks like a path`
  const hint = `read the file, or name it in \`${fileOption}\``
  return new HoldfastError('ERR_SSH_KEY', message, { phase: 'options', hint })
}

/** A key with its certificates, those first; none where the private half is elsewhere: its agent has it. */
function signersOf(identity: KeyIdentity, options: ConnectOptions): readonly Signer[] {
  const signer = signerOf(identity, options)
  if (signer === undefined) return []
  return [...identity.certificates.map((certificate) => certifiedSigner(signer, certificate)), signer]
}

function signerOf({ source, publicKey, privateHalf }: KeyIdentity, options: ConnectOptions): Signer | undefined {
  if (privateHalf.state === 'elsewhere') return undefined
  if (privateHalf.state === 'open') return keySigner(privateHalf.key, source)
  let unlocked: PrivateKey | undefined
  return lockedKeySigner(publicKey, source, async (signal) => {
    if (unlocked !== undefined) return unlocked
    const key = await privateHalf.unlock(await passphraseFor(source, options, signal), signal)
    unlocked = key
    return key
  })
}

async function passphraseFor(
  source: string,
  { passphrase, prompt }: ConnectOptions,
  signal: AbortSignal,
): Promise<string | Buffer> {
  if (passphrase !== undefined) return passphrase
  if (prompt !== undefined) {
    const form = { name: '', instruction: '', prompts: [{ text: `Passphrase for ${source}: `, echo: false }] }
    const [answer] = await prompt(form, signal)
    if (answer !== undefined) return answer
  }
  throw new HoldfastError('ERR_SSH_PASSPHRASE', `${source} is encrypted, and no passphrase was given`)
}

/** Where a person answers, they are asked for the password as well. */
function passwordWays(
  password: string | undefined,
  changePassword: AskPerson | undefined,
  prompt: AskPerson | undefined,
): readonly AuthWay[] {
  const answers = prompt ?? password
  if (answers === undefined) return []
  return [
    { method: 'password', password: password ?? answers, changePassword: changePassword ?? prompt },
    { method: 'keyboard-interactive', answers },
  ]
}
