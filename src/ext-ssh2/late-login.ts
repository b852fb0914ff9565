import { Attempts } from '../auth/attempts.js'
import { waitForBystander } from '../auth/bystander.js'
import type { ClientMethod, MethodContext } from '../auth/client-method.js'
import { type Answer, Exchange, successOrFailure } from '../auth/exchange.js'
import { type AuthLimits, type AuthPort, connectionService } from '../auth/port.js'
import type { Authenticator } from '../connection/services.js'
import { HoldfastError } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import { encodeUserauthRequest } from '../wire/auth-messages.js'

/** What one call of `ssh2_auth_…()` has to log in with. */
export interface LoginOffer {
  /** The function of PHP's. */
  readonly name: string
  readonly username: string
  /** In the order in which they are tried, as far as the server offers them. With none, only `none` is asked for. */
  readonly methods: (context: MethodContext) => readonly ClientMethod[]
}

export type LoginAnswer =
  | { readonly isAccepted: true }
  | {
      readonly isAccepted: false
      /** What the server still offers. */
      readonly methods: readonly string[]
      readonly error: HoldfastError
    }

interface Request {
  readonly offer: LoginOffer
  readonly answer: Deferred<LoginAnswer>
}

interface Offered {
  readonly username: string
  readonly methods: readonly string[]
}

/**
 * Logs in by calls that come after the connection was made, one after the other, as PHP programs do. A program that does
 * not call is waited for as a person would be, for no longer than the limit `prompt`.
 */
export class LateLogin implements Authenticator {
  readonly #port: AuthPort
  readonly #limits: AuthLimits
  readonly #exchange: Exchange
  readonly #abandon: (offer: LoginOffer) => void
  readonly #requests: Request[] = []
  /** Of which the server has been asked, or is about to be. */
  #asked: Request | undefined
  #came = new Deferred<void>()
  #attempts = new Attempts()
  #offered: Offered | undefined
  #username: string | undefined
  #over: { readonly cause: unknown } | undefined

  /** @param abandon nobody waits any more for what the server is being asked: it is to have no consequence */
  constructor(port: AuthPort, limits: AuthLimits, abandon: (offer: LoginOffer) => void) {
    this.#port = port
    this.#limits = limits
    this.#abandon = abandon
    this.#exchange = new Exchange(port, limits.authentication, ({ message }) => this.#attempts.heard(message))
  }

  get succeeded(): boolean {
    return this.#exchange.succeeded
  }

  /** Whom the server has accepted. */
  get username(): string | undefined {
    return this.#username
  }

  receive(payload: Buffer): void {
    this.#exchange.receive(payload)
  }

  explain(cause: HoldfastError): HoldfastError {
    return this.#attempts.explain(cause)
  }

  /**
   * @param signal takes back what the server has not been asked for yet
   * @throws HoldfastError why the connection ended meanwhile
   */
  ask(offer: LoginOffer, signal: AbortSignal): Promise<LoginAnswer> {
    const request: Request = { offer, answer: new Deferred() }
    if (this.#over !== undefined) request.answer.reject(this.#over.cause)
    else if (signal.aborted) request.answer.reject(signal.reason)
    else {
      signal.addEventListener('abort', () => this.#giveUp(request, signal.reason), { once: true })
      this.#requests.push(request)
      this.#came.resolve()
    }
    return request.answer.promise
  }

  /** @throws HoldfastError ERR_SSH_TIMEOUT for the limits `authentication` and `prompt`; why the connection ended */
  async run(): Promise<void> {
    try {
      while (!(await this.#serve(await this.#next()))) continue
      this.#finish(alreadyAuthenticated())
    } catch (error) {
      this.#finish(error)
      throw error
    }
  }

  async #next(): Promise<Request> {
    for (;;) {
      this.#asked = this.#requests.shift()
      if (this.#asked !== undefined) return this.#asked
      this.#came = new Deferred()
      const wait = { limit: 'prompt', limitMs: this.#limits.prompt, what: 'a call of ssh2_auth_…()' } as const
      await waitForBystander(this.#port.waits, wait, () => this.#came.promise)
    }
  }

  /** @returns whether the server has accepted the user */
  async #serve({ offer, answer }: Request): Promise<boolean> {
    const came = await this.#try(offer)
    this.#asked = undefined
    answer.resolve(came)
    return came.isAccepted
  }

  async #try({ username, methods }: LoginOffer): Promise<LoginAnswer> {
    this.#attempts = new Attempts()
    // Once: sshd counts a second `none` as a failed attempt.
    if (this.#offered?.username !== username && (await this.#none(username))) return this.#accepted(username)
    this.#attempts.offer(this.#offered?.methods ?? [])
    for (const method of methods(this.#context(username))) {
      if (await this.#attempt(method)) return this.#accepted(username)
    }
    const { offered = [] } = this.#attempts
    this.#offered = { username, methods: offered }
    const details = { ...this.#port.errorDetails(), phase: 'authentication' } as const
    return { isAccepted: false, methods: offered, error: this.#attempts.error(username, [], details) }
  }

  /** @returns whether the server asks for no more than the name */
  async #none(username: string): Promise<boolean> {
    const payload = encodeUserauthRequest({ username, service: connectionService, method: 'none' })
    const what = 'the answer to none'
    const answer = await this.#exchange.ask<Answer>({ payload, what, answers: successOrFailure })
    if (answer.answer === 'success') return true
    this.#offered = { username, methods: answer.methods }
    return false
  }

  async #attempt(method: ClientMethod): Promise<boolean> {
    while (method.left && (this.#attempts.offered ?? []).includes(method.name)) {
      const { answer } = await method.attempt()
      if (answer === 'success') return true
    }
    return false
  }

  #accepted(username: string): LoginAnswer {
    this.#username = username
    return { isAccepted: true }
  }

  #context(username: string): MethodContext {
    return {
      username,
      service: connectionService,
      port: this.#port,
      exchange: this.#exchange,
      attempts: this.#attempts,
      limits: this.#limits,
      waiting: () => {},
    }
  }

  #giveUp(request: Request, reason: unknown): void {
    const at = this.#requests.indexOf(request)
    if (at !== -1) {
      this.#requests.splice(at, 1)
      request.answer.reject(reason)
    } else if (this.#asked === request) this.#abandon(request.offer)
  }

  #finish(cause: unknown): void {
    this.#over = { cause }
    this.#asked?.answer.reject(cause)
    for (const { answer } of this.#requests.splice(0)) answer.reject(cause)
  }
}

export function alreadyAuthenticated(): HoldfastError {
  const hint = 'log in once for each ssh2_connect()'
  return new HoldfastError('ERR_SSH_OPTION', 'Connection already authenticated', { phase: 'authentication', hint })
}
