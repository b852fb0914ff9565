import { detailsOf, type ErrorDetails, HoldfastError } from '../errors.js'
import { disconnectReason } from '../wire/numbers.js'
import { printable } from '../wire/printable.js'
import type { Failure } from './exchange.js'

/** An agent may hold hundreds of keys; an error shows this many attempts. */
const maxShown = 20

/**
 * With these a goodbye after a refusal is a verdict on who asks. At MaxAuthTries OpenSSH says PROTOCOL_ERROR, Paramiko
 * NO_MORE_AUTH_METHODS_AVAILABLE. A server that restarts or is crowded (BY_APPLICATION, TOO_MANY_CONNECTIONS) judges nobody.
 */
const verdicts: ReadonlySet<number | undefined> = new Set([
  disconnectReason.PROTOCOL_ERROR,
  disconnectReason.NO_MORE_AUTH_METHODS_AVAILABLE,
  disconnectReason.ILLEGAL_USER_NAME,
])

/** What was tried and what came of it, for the error that says why authentication failed. */
export class Attempts {
  readonly #lines: string[] = []
  #answers = 0
  #refusals = 0
  #offered: readonly string[] | undefined
  #hint: string | undefined
  #banner = ''

  /** How many requests the peer has refused. Servers end the connection at their MaxAuthTries: 6 in OpenSSH. */
  get refusals(): number {
    return this.#refusals
  }

  /** The methods that the peer named last, or undefined before its first refusal. */
  get offered(): readonly string[] | undefined {
    return this.#offered
  }

  /** Servers give reasons in banners: an account that has expired, a second factor that is missing. */
  heard(banner: string): void {
    this.#banner = banner
  }

  /** What the peer offers, as its refusal of `none` says it. */
  offer(methods: readonly string[]): void {
    this.#offered = methods
  }

  answered(what: string, { methods, partialSuccess }: Failure): void {
    this.#answers++
    if (!partialSuccess) this.#refusals++
    this.#offered = methods
    this.#lines.push(`${what}: ${partialSuccess ? 'accepted, but the peer wants more' : 'refused'}`)
  }

  /** Something went wrong on this side, so that the peer was not asked, or not to the end. */
  failedHere(what: string, reason: unknown, hint?: string): void {
    const text = reason instanceof Error ? reason.message : String(reason)
    this.#lines.push(`${what}: ${text}`)
    this.#hint ??= hint
  }

  /**
   * @param username whose authentication failed
   * @param notes what the caller looked for in vain
   */
  error(username: string, notes: readonly string[], details: ErrorDetails): HoldfastError {
    const who = printable(username, 100)
    const looked = notes.length > 0 ? ` (${notes.join('; ')})` : ''
    if (this.#lines.length === 0) {
      const message = `no way to authenticate as '${who}' was available here${looked}; ${this.#offer()}`
      return new HoldfastError('ERR_SSH_AUTHENTICATION', message, { ...details, hint: noMethodHint })
    }
    const message = `could not authenticate as '${who}': ${this.toString()}${looked}`
    const hint = this.#hint ?? (this.#answers === 0 ? noMethodHint : undefined)
    return new HoldfastError('ERR_SSH_AUTHENTICATION', message, { ...details, ...(hint !== undefined && { hint }) })
  }

  /** What ended authentication from outside, a limit or the end of the connection, with what had been tried by then. */
  explain(error: HoldfastError): HoldfastError {
    if (this.#lines.length === 0) return error
    const message = `${error.message}; before that, authentication ${this.toString()}`
    const details = { ...detailsOf(error), cause: error }
    const { code } = error
    if (code === 'ERR_SSH_TIMEOUT') return new HoldfastError(code, message, details)
    if (this.#refusals === 0) return error
    if (code === 'ERR_SSH_CONNECTION_LOST') return new HoldfastError(code, message, { ...details, hint: tooManyHint })
    if (code !== 'ERR_SSH_DISCONNECTED') return error
    if (!verdicts.has(error.disconnectReason)) return new HoldfastError(code, message, details)
    return new HoldfastError('ERR_SSH_AUTHENTICATION', message, { ...details, hint: tooManyHint })
  }

  /** `tried password: refused; the peer offers publickey`. */
  toString(): string {
    const more = this.#lines.length - maxShown
    const shown = more > 0 ? [...this.#lines.slice(0, maxShown), `and ${more} more`] : this.#lines
    return `tried ${shown.join('; ')}; ${this.#offer()}`
  }

  #offer(): string {
    const said = this.#banner === '' ? '' : `; the peer says '${printable(this.#banner, 200)}'`
    if (this.#offered === undefined) return `the peer did not say what it offers${said}`
    if (this.#offered.length === 0) return `the peer offers nothing to go on with${said}`
    return `the peer offers ${printable(this.#offered.join(', '))}${said}`
  }
}

const noMethodHint =
  'give `privateKey`, `identityFiles` or `password`, start an agent and `ssh-add` a key, or give `prompt` for a person to answer'

/** MaxAuthTries. */
const tooManyHint =
  'servers end the connection after some refusals (OpenSSH after 6): offer fewer keys, by `identityFiles` or `agent: false`'
