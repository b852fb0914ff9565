import { type ErrorCode, HoldfastError } from '../errors.js'
import type { HostKeyOffer, HostKeyVerifier } from '../kex/host-key.js'
import type { ServerProof } from '../keys/agent.js'
import { type HostKeyVerdict, judgeHostKey, preferKnownTypes } from '../keys/host-key-verdict.js'
import { type KeyRules, safeKeys } from '../keys/key-types/key-type.js'
import { certificateName } from '../keys/key-types/registry.js'
import type { KnownHostsEntry, ParsedKnownHosts } from '../keys/known-hosts.js'
import { appendKnownHost, readKnownHost } from '../keys/known-hosts-files.js'
import { type PublicKey, parsePublicKey } from '../keys/public-key.js'
import type { HostKeySettings } from './settings.js'

export interface Peer {
  readonly host: string
  readonly port: number
}

/** Says whether a host key is the peer's: by fingerprint, by the program's own check, or by the known_hosts files. */
export class HostTrust implements HostKeyVerifier {
  readonly #peer: Peer
  /** How known_hosts names it. */
  readonly #name: Peer
  readonly #settings: HostKeySettings
  readonly #known: ParsedKnownHosts
  readonly #rules: KeyRules
  #keyOfUserFile: PublicKey | undefined
  #proof: ServerProof | undefined

  /** @throws HoldfastError ERR_SSH_KNOWN_HOSTS */
  static async load(peer: Peer, settings: HostKeySettings, rules: KeyRules = safeKeys): Promise<HostTrust> {
    const { policy, fingerprints, verify, knownHosts } = settings
    // Who asks by another way still wants to know of a key that was revoked.
    const asksNobody = policy === 'off' && fingerprints === undefined && verify === undefined
    const known = asksNobody ? nothingKnown : await readKnownHost(knownHosts, knownAs(peer, settings))
    return new HostTrust(peer, settings, rules, known)
  }

  private constructor(peer: Peer, settings: HostKeySettings, rules: KeyRules, known: ParsedKnownHosts) {
    this.#peer = peer
    this.#name = knownAs(peer, settings)
    this.#settings = settings
    this.#known = known
    this.#rules = rules
  }

  /**
   * The key by which the user's own known_hosts file knows the peer, as plain key and for itself: then that file may be
   * brought up to date. Undefined where a certificate, another file, or the program itself made it trusted.
   */
  get keyOfUserFile(): PublicKey | undefined {
    return this.#keyOfUserFile
  }

  /** What it proved in the first key exchange, which is the one that has to be trusted. */
  get proof(): ServerProof | undefined {
    return this.#proof
  }

  /** The algorithms to offer: those first by which the peer is known. */
  prefer(algorithms: readonly string[]): readonly string[] {
    return preferKnownTypes(algorithms, this.#known.entries, this.#name.host, this.#name.port)
  }

  check({ algorithm, hostKey, exchangeHash, signature }: HostKeyOffer): void {
    const key = readHostKey(hostKey, this.#rules)
    if (isOfAlgorithm(key, algorithm) && key.verify(algorithm, exchangeHash, signature)) return
    const problem = `the peer did not prove that it owns its host key (${algorithm} ${key.fingerprint()})`
    throw new HoldfastError('ERR_SSH_HOST_KEY_SIGNATURE', problem, { phase: 'hostKey' })
  }

  async trust({ hostKey, exchangeHash, signature }: HostKeyOffer): Promise<void> {
    const key = readHostKey(hostKey, this.#rules)
    this.#proof = { hostKey, signature, sessionId: exchangeHash }
    const { fingerprints, verify, policy, enforced } = this.#settings
    const verdict = judgeHostKey(this.#known.entries, { key, ...this.#name, nowSeconds: Date.now() / 1000 })
    if (verdict.verdict === 'revoked') throw this.#refuse('ERR_SSH_HOST_KEY_REVOKED', key, at(verdict.entry))
    const isVouchedFor = fingerprints !== undefined || verify !== undefined
    if (fingerprints !== undefined) this.#checkFingerprint(key, fingerprints)
    // What an administrator enforces takes the place of nothing that the program asks for.
    if (verify !== undefined && (fingerprints === undefined || enforced.fingerprints))
      await this.#ask(verify, key, verdict)
    if (policy !== 'off' && (!isVouchedFor || enforced.policy)) await this.#judge(key, verdict)
  }

  #checkFingerprint(key: PublicKey, fingerprints: readonly string[]): void {
    if (fingerprints.includes(key.fingerprint())) return
    throw this.#refuse('ERR_SSH_HOST_KEY_REJECTED', key, 'it is none of hostKey.fingerprints')
  }

  async #ask(
    verify: NonNullable<HostKeySettings['verify']>,
    key: PublicKey,
    { verdict }: HostKeyVerdict,
  ): Promise<void> {
    const accepted: unknown = await verify({ ...this.#peer, key, fingerprint: key.fingerprint(), verdict })
    // Anything but true refuses: a check that forgets to return must not accept everybody.
    if (accepted !== true) throw this.#refuse('ERR_SSH_HOST_KEY_REJECTED', key, 'hostKey.verify did not accept it')
  }

  async #judge(key: PublicKey, verdict: HostKeyVerdict): Promise<void> {
    const [file] = this.#settings.knownHosts
    if (verdict.verdict === 'known') {
      const { entry } = verdict
      if (entry.marker === 'none' && entry.file === file) this.#keyOfUserFile = key
      return
    }
    if (verdict.verdict === 'revoked') return
    const certificate =
      verdict.certificateProblem === undefined ? '' : `; its certificate does not count: ${verdict.certificateProblem}`
    if (verdict.verdict === 'changed') {
      throw this.#refuse('ERR_SSH_HOST_KEY_CHANGED', key, `another key is known: ${at(verdict.entry)}${certificate}`)
    }
    if (this.#settings.policy !== 'accept-new' || file === undefined) {
      const why = `no known_hosts file has it${certificate}${this.#unreadableLines()}`
      throw this.#refuse('ERR_SSH_HOST_KEY_UNKNOWN', key, why)
    }
    await appendKnownHost(file, this.#name, key)
    this.#keyOfUserFile = key
  }

  /** A line that cannot be understood counts for nothing: whoever misses its host learns why. */
  #unreadableLines(): string {
    const [first] = this.#known.problems
    if (first === undefined) return ''
    const others = this.#known.problems.length - 1
    const more = others === 0 ? '' : `, and ${others} more`
    return `; a line that cannot be understood was passed over: ${first.file}:${first.line}: ${first.reason}${more}`
  }

  #refuse(code: ErrorCode, key: PublicKey, why: string): HoldfastError {
    const { host, port } = this.#peer
    const name = `${key.plainType} ${key.fingerprint()}`
    return new HoldfastError(code, `the host key of ${host}:${port}, ${name}, is not accepted: ${why}`, {
      phase: 'hostKey',
      host: `${host}:${port}`,
    })
  }
}

/** How known_hosts names a peer: under an alias, as ssh has it, without the port. */
export function knownAs({ host, port }: Peer, { alias }: HostKeySettings): Peer {
  return alias === undefined ? { host, port } : { host: alias, port: 22 }
}

const nothingKnown: ParsedKnownHosts = { entries: [], problems: [] }

/** What is wrong with it is the peer's doing, not that of a file. */
function readHostKey(blob: Buffer, rules: KeyRules): PublicKey {
  try {
    return parsePublicKey(blob, 'the host key', rules)
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    throw new HoldfastError('ERR_SSH_PROTOCOL', error.message, { phase: 'hostKey', cause: error })
  }
}

function at({ file, line }: KnownHostsEntry): string {
  return `${file}:${line}`
}

/** The key must be of the type that was agreed on, certificate or not. */
function isOfAlgorithm(key: PublicKey, algorithm: string): boolean {
  const names = key.certificate === undefined ? key.signatureAlgorithms : key.signatureAlgorithms.map(certificateName)
  return names.includes(algorithm)
}
