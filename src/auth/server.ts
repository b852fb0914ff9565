import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import {
  authMethodNumber,
  decodeUserauthRequest,
  encodePasswordChangeRequest,
  encodePublicKeyOk,
  encodeUserauthBanner,
  encodeUserauthFailure,
  encodeUserauthSuccess,
  type UserauthRequest,
} from '../wire/auth-messages.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import { printable } from '../wire/printable.js'
import { decodeServiceRequest, encodeServiceAccept } from '../wire/transport-messages.js'
import { type AuthPort, connectionService, userauthService } from './port.js'
import type { AuthAttempt, Authenticate, Decision, ServerMethod } from './server-attempt.js'
import { ServerForms } from './server-forms.js'
import { examineKey } from './server-publickey.js'

/** Clients may send requests without waiting for answers (RFC 4252 section 5.1); none sends many. */
const maxQueued = 16

export interface ServerAuthenticationOptions {
  /** What is offered at first. */
  readonly methods: readonly ServerMethod[]
  /** Decides, in its own time. What it throws ends the connection. */
  readonly authenticate: Authenticate
  /** Sent before the first answer. */
  readonly banner?: string
  /** Refusals, other than of a first `none`, after which the connection ends. Default: 6. */
  readonly maxFailures?: number
  /** The signature algorithms that are taken. Default: all but `ssh-rsa`, which is SHA-1. */
  readonly algorithms?: readonly string[]
  /** For the whole of it, and for one form, in milliseconds. Default: 2 minutes, as OpenSSH's LoginGraceTime. */
  readonly limits?: { readonly authentication: number | false; readonly prompt: number | false }
}

/**
 * The server's side of RFC 4252. Create it once the keys are in use, call `run()`, hand SERVICE_REQUEST and messages
 * 50 to 79 to `receive()`.
 */
export class ServerAuthentication {
  readonly #port: AuthPort
  readonly #options: ServerAuthenticationOptions
  readonly #done: Wait<AuthAttempt>
  readonly #forms: ServerForms
  readonly #queue: UserauthRequest[] = []
  #offered: readonly ServerMethod[]
  #username: string | undefined
  #failures = 0
  #state: 'service' | 'open' | 'succeeded' = 'service'
  #isWorking = false
  #bannerSent = false

  constructor(port: AuthPort, options: ServerAuthenticationOptions) {
    const { authentication, prompt } = options.limits ?? { authentication: 120_000, prompt: 120_000 }
    this.#port = port
    this.#options = options
    this.#offered = options.methods
    this.#forms = new ServerForms(port, prompt)
    this.#done = port.waits.start({
      limit: 'authentication',
      limitMs: authentication,
      clock: 'peer',
      phase: 'authentication',
      what: 'the authentication of the client',
    })
  }

  /** True from the moment at which SUCCESS went out. */
  get succeeded(): boolean {
    return this.#state === 'succeeded'
  }

  /**
   * Resolves with the attempt that was accepted.
   * @throws HoldfastError ERR_SSH_AUTHENTICATION after too many refusals; ERR_SSH_TIMEOUT; what `authenticate` threw;
   *   the cause with which the connection ended
   */
  run(): Promise<AuthAttempt> {
    return this.#done.promise
  }

  /** Takes one message. Throws ERR_SSH_PROTOCOL, with which the connection is to end. */
  receive(payload: Buffer): void {
    const number = payload[0] ?? 0
    if (number === messageNumber.SERVICE_REQUEST) this.#receiveServiceRequest(payload)
    else if (this.#state === 'service') throw breach(`${messageName(number)} came before the service was granted`)
    else if (number === messageNumber.USERAUTH_REQUEST) this.#receiveRequest(decodeUserauthRequest(payload))
    else if (number === authMethodNumber.INFO_RESPONSE) this.#forms.receive(payload)
    else throw breach(`${messageName(number)} is no message of a client that authenticates`)
  }

  #receiveServiceRequest(payload: Buffer): void {
    const service = decodeServiceRequest(payload)
    if (this.#state !== 'service') throw breach('SERVICE_REQUEST came a second time')
    if (service !== userauthService) throw breach(`SERVICE_REQUEST: service name is ${service}, which is not here`)
    this.#state = 'open'
    this.#port.send(encodeServiceAccept(service))
  }

  #receiveRequest(request: UserauthRequest): void {
    // RFC 4252 section 5.1: requests after success are silently ignored.
    if (this.#state === 'succeeded') return
    if (this.#queue.length >= maxQueued) throw breach(`more than ${maxQueued} requests wait for an answer`)
    this.#queue.push(request)
    this.#forms.abandon()
    if (!this.#isWorking) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    try {
      for (let next = this.#queue.shift(); next !== undefined && this.#done.pending; next = this.#queue.shift()) {
        await this.#handle(next)
      }
    } catch (error) {
      this.#done.reject(error)
    }
    this.#isWorking = false
  }

  async #handle(request: UserauthRequest): Promise<void> {
    // RFC 4252 section 5: what was proved for one user says nothing of another.
    if (request.username !== this.#username) this.#offered = this.#options.methods
    const isFirst = this.#username === undefined
    this.#username = request.username
    this.#sendBanner()
    const attempt = this.#attemptOf(request)
    const decision = attempt === undefined ? 'refuse' : await this.#decide(attempt)
    // Not pending: the connection ended while it was decided.
    if (decision === undefined || !this.#done.pending) return
    if (decision === 'refuse' || attempt === undefined) this.#refuse(isFirst && request.method === 'none')
    else this.#grant(request, attempt, decision)
  }

  /** @returns undefined for what is refused without asking anybody */
  #attemptOf(request: UserauthRequest): AuthAttempt | undefined {
    if (request.service !== connectionService || request.method === 'other') return undefined
    const { username, method } = request
    if (method === 'none') return { username, method }
    if (!this.#offered.includes(method)) return undefined
    if (method === 'publickey') return examineKey(request, this.#port.sessionId(), this.#options.algorithms)
    if (method === 'keyboard-interactive') return { username, method, ask: (form) => this.#forms.ask(form) }
    return { username, method, password: request.password, newPassword: request.newPassword }
  }

  /** @returns undefined when the client has turned to another request meanwhile, and expects no answer to this one */
  async #decide(attempt: AuthAttempt): Promise<Decision | undefined> {
    this.#forms.begin()
    try {
      const decision = await this.#options.authenticate(attempt)
      return this.#forms.wasAbandoned ? undefined : decision
    } catch (error) {
      if (this.#forms.wasAbandoned) return undefined
      throw error
    }
  }

  #sendBanner(): void {
    const { banner } = this.#options
    if (banner !== undefined && !this.#bannerSent)
      this.#port.send(encodeUserauthBanner({ message: banner, language: '' }))
    this.#bannerSent = true
  }

  #refuse(isProbe: boolean): void {
    if (!isProbe) this.#failures++
    if (this.#failures < (this.#options.maxFailures ?? 6)) {
      this.#port.send(encodeUserauthFailure({ methods: this.#offered, partialSuccess: false }))
      return
    }
    const who = printable(this.#username ?? '', 100)
    const message = `the client failed ${this.#failures} times to authenticate as '${who}'`
    throw new HoldfastError('ERR_SSH_AUTHENTICATION', message, {
      ...this.#port.errorDetails(),
      phase: 'authentication',
    })
  }

  #grant(request: UserauthRequest, attempt: AuthAttempt, decision: Exclude<Decision, 'refuse'>): void {
    if (request.method === 'publickey' && request.signature === undefined) {
      this.#port.send(encodePublicKeyOk(request))
    } else if (decision === 'accept') {
      this.#state = 'succeeded'
      this.#port.send(encodeUserauthSuccess())
      this.#done.resolve(attempt)
    } else if ('partial' in decision) {
      this.#offered = decision.partial
      this.#port.send(encodeUserauthFailure({ methods: this.#offered, partialSuccess: true }))
    } else if (attempt.method === 'password') {
      this.#port.send(encodePasswordChangeRequest(decision.changePassword))
    } else {
      throw new HoldfastError('ERR_SSH_OPTION', `authenticate() answered ${attempt.method} with changePassword`)
    }
  }
}

function breach(message: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', message, { phase: 'authentication' })
}
