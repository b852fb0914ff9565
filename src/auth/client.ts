import type { HoldfastError } from '../errors.js'
import { encodeUserauthRequest, type UserauthBanner } from '../wire/auth-messages.js'
import { Attempts } from './attempts.js'
import { KeyboardInteractiveMethod, type KeyboardInteractiveOptions } from './client-keyboard-interactive.js'
import type { ClientMethod, MethodContext, Outcome, Waiting } from './client-method.js'
import { PasswordMethod, type PasswordOptions } from './client-password.js'
import { PublicKeyMethod, type PublicKeyOptions } from './client-publickey.js'
import { Exchange, successOrFailure } from './exchange.js'
import { type AuthLimits, type AuthPort, connectionService } from './port.js'

/** One way to authenticate, with what it needs. */
export type AuthWay =
  | ({ readonly method: 'publickey' } & PublicKeyOptions)
  | ({ readonly method: 'password' } & PasswordOptions)
  | ({ readonly method: 'keyboard-interactive' } & KeyboardInteractiveOptions)

export interface ClientAuthenticationOptions {
  readonly username: string
  /** In the order in which they are tried, as far as the peer offers them. With none at all `none` is asked for. */
  readonly ways: readonly AuthWay[]
  readonly limits: AuthLimits
  /** What was looked for in vain, for the error: `~/.ssh/id_ed25519: no such file`. */
  readonly notes?: readonly string[]
  /** Text as the peer sent it: clean it before a person sees it. */
  readonly onBanner?: (banner: UserauthBanner) => void
  readonly onWaiting?: (waiting: Waiting) => void
}

/**
 * The client's side of RFC 4252. Create it once the keys are in use, call `run()`, hand SERVICE_ACCEPT and messages 50
 * to 79 to `receive()`.
 */
export class ClientAuthentication {
  readonly #notes: readonly string[]
  readonly #port: AuthPort
  readonly #exchange: Exchange
  readonly #attempts = new Attempts()
  readonly #context: MethodContext
  #methods: readonly ClientMethod[]

  constructor(port: AuthPort, options: ClientAuthenticationOptions) {
    const { username, limits, ways, notes = [], onBanner = () => {}, onWaiting = () => {} } = options
    this.#notes = notes
    this.#port = port
    this.#exchange = new Exchange(port, limits.authentication, (banner) => {
      this.#attempts.heard(banner.message)
      onBanner(banner)
    })
    this.#context = {
      username,
      service: connectionService,
      port,
      exchange: this.#exchange,
      attempts: this.#attempts,
      limits,
      waiting: onWaiting,
    }
    this.#methods = ways.map((way) => makeMethod(this.#context, way))
  }

  /** True from the moment at which `receive()` took SUCCESS: what follows it belongs to the connection protocol. */
  get succeeded(): boolean {
    return this.#exchange.succeeded
  }

  /** Takes one message. Throws ERR_SSH_PROTOCOL, with which the connection is to end. */
  receive(payload: Buffer): void {
    this.#exchange.receive(payload)
  }

  /**
   * Resolves once the peer has accepted the user.
   * @throws HoldfastError ERR_SSH_AUTHENTICATION with all that was tried; ERR_SSH_TIMEOUT for the limits
   *   `authentication` and `prompt`; what a prompt threw; the cause with which the connection ended
   */
  async run(): Promise<void> {
    for (;;) {
      const { answer } = await this.#step()
      if (answer !== 'success') continue
      // They hold keys and passwords, and the connection may stay for days.
      this.#methods = []
      return
    }
  }

  /** The same error with what had been tried before it ended the connection, where that says more of the cause. */
  explain(cause: HoldfastError): HoldfastError {
    return this.#attempts.explain(cause)
  }

  async #step(): Promise<Outcome> {
    const method = this.#next()
    const asksPeerFirst = method === undefined || method.asksFirst
    if (asksPeerFirst && this.#attempts.offered === undefined) return this.#none()
    if (method !== undefined) return this.#attempt(method)
    throw this.#attempts.error(this.#context.username, this.#notes, {
      ...this.#port.errorDetails(),
      phase: 'authentication',
    })
  }

  #next(): ClientMethod | undefined {
    const { offered } = this.#attempts
    return this.#methods.find((method) => method.left && (offered?.includes(method.name) ?? true))
  }

  async #attempt(method: ClientMethod): Promise<Outcome> {
    const known = this.#attempts.offered !== undefined
    const outcome = await method.attempt()
    if (outcome.answer !== 'failure' || known) return outcome
    if (!outcome.partialSuccess && !outcome.methods.includes(method.name)) method.undo()
    return outcome
  }

  /**
   * RFC 4252 section 5.2. Says what the peer offers before a person is asked for something that it may not take; and
   * when there is nothing to authenticate with, some peers let one in without.
   */
  async #none(): Promise<Outcome> {
    const { username, service } = this.#context
    const payload = encodeUserauthRequest({ username, service, method: 'none' })
    const answer = await this.#exchange.ask({ payload, what: 'the answer to none', answers: successOrFailure })
    if (answer.answer === 'failure') this.#attempts.offer(answer.methods)
    return answer
  }
}

function makeMethod(context: MethodContext, way: AuthWay): ClientMethod {
  if (way.method === 'publickey') return new PublicKeyMethod(context, way)
  if (way.method === 'password') return new PasswordMethod(context, way)
  return new KeyboardInteractiveMethod(context, way)
}
