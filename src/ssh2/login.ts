import { waitForBystander } from '../auth/bystander.js'
import { type Answer, Exchange, type Failure, successOrFailure } from '../auth/exchange.js'
import { type AuthLimits, type AuthPort, connectionService } from '../auth/port.js'
import { HoldfastError } from '../errors.js'
import {
  authMethodNumber,
  decodeInfoRequest,
  decodePasswordChangeRequest,
  encodeInfoResponse,
  encodeUserauthRequest,
  type InfoRequest,
} from '../wire/auth-messages.js'
import {
  type AskPrompts,
  type AuthHandler,
  type AuthMethod,
  type AuthMethodName,
  type Credentials,
  type ReadyMethod,
  readyMethod,
} from './auth-methods.js'
import { called } from './called.js'
import type { Ssh2Error } from './errors.js'
import { KeyLogin } from './key-login.js'

export interface LoginEvents {
  banner(message: string): void
  /** Something of one method failed on this side; the next one is tried. */
  error(error: Ssh2Error): void
  /** @returns false where nobody answers */
  keyboardInteractive: (...args: Parameters<AskPrompts>) => boolean
  changePassword(prompt: string, done: (password: string) => void): boolean
  debug(text: string): void
  /** Nothing is left to try: the program is told, and the connection ends in order. */
  exhausted(): void
}

export interface LoginOptions {
  readonly credentials: Credentials
  readonly handler: AuthHandler
  readonly limits: AuthLimits
  readonly events: LoginEvents
}

type PasswordAnswer = Answer | { readonly answer: 'change'; readonly prompt: string }
type FormAnswer = Answer | { readonly answer: 'form'; readonly form: InfoRequest }
type Refused = Pick<Failure, 'methods' | 'partialSuccess'> | undefined

const passwordAnswers = new Map<number, (payload: Buffer) => PasswordAnswer>([
  ...successOrFailure,
  [
    authMethodNumber.PASSWD_CHANGEREQ,
    (payload) => ({ answer: 'change', prompt: decodePasswordChangeRequest(payload) }),
  ],
])

const formAnswers = new Map<number, (payload: Buffer) => FormAnswer>([
  ...successOrFailure,
  [authMethodNumber.INFO_REQUEST, (payload) => ({ answer: 'form', form: decodeInfoRequest(payload) })],
])

/** A handler that only ever names what cannot be tried would else keep this process busy for ever. */
const maxSkipped = 1000
/** A form without prompts needs nobody, so a peer could go on for ever; and so with new passwords. */
const maxForms = 50

/** Logs in as ssh2 does: in the order that the program's handler says, each method as it is given. */
export class Login {
  readonly #port: AuthPort
  readonly #options: LoginOptions
  readonly #exchange: Exchange
  readonly #keys: KeyLogin
  #skipped = 0

  constructor(port: AuthPort, options: LoginOptions) {
    const { limits, events } = options
    this.#port = port
    this.#options = options
    this.#exchange = new Exchange(port, limits.authentication, ({ message }) => events.banner(message))
    this.#keys = new KeyLogin({ port, exchange: this.#exchange, limits, events })
  }

  get succeeded(): boolean {
    return this.#exchange.succeeded
  }

  receive(payload: Buffer): void {
    this.#exchange.receive(payload)
  }

  /** @throws HoldfastError ERR_SSH_AUTHENTICATION where nothing is left to try; ERR_SSH_TIMEOUT */
  async run(): Promise<void> {
    // As ssh2 does: the banner that comes with the answer can be what a program waits for before it says how to log in.
    this.#exchange.requestService()
    let refused: Refused
    for (;;) {
      const method = await this.#next(refused)
      if (method === undefined) continue
      const outcome = await this.#try(method)
      if (outcome?.answer === 'success') return
      this.#options.events.debug(`Client: ${method.type} auth failed`)
      refused = outcome ?? refused
    }
  }

  /** @returns undefined for a method that cannot be tried */
  async #next(refused: Refused): Promise<ReadyMethod | undefined> {
    const { credentials, events } = this.#options
    const given = await this.#ask(refused)
    if (given === false || this.#skipped > maxSkipped) {
      events.exhausted()
      throw nothingLeft()
    }
    const ask: AskPrompts = (...args) => {
      // Where nobody answers, the peer is to say what comes next.
      if (!events.keyboardInteractive(...args)) args[4]()
    }
    const method = readyMethod(given, credentials, ask)
    if (typeof method !== 'string') return method
    this.#skipped++
    events.debug(method)
    return undefined
  }

  #ask(refused: Refused): Promise<AuthMethodName | AuthMethod | false> {
    const wait = { limit: 'prompt', limitMs: this.#options.limits.prompt, what: 'the answer of authHandler' } as const
    return this.#within(wait, (answer) => {
      const { methods = null, partialSuccess = null } = refused ?? {}
      const next = this.#options.handler(methods, partialSuccess, answer)
      if (next !== undefined) answer(next)
    })
  }

  /** @returns undefined where the peer refused nothing, because it was asked nothing */
  #try(method: ReadyMethod): Promise<Answer | undefined> {
    const { type, username } = method
    if (type === 'none') return this.#none(username)
    if (type === 'password') return this.#password(username, method.password)
    if (type === 'publickey') return this.#keys.key(method)
    if (type === 'hostbased') return this.#keys.hostbased(method)
    return type === 'agent' ? this.#keys.agent(method) : this.#keyboardInteractive(method)
  }

  #none(username: string): Promise<Answer> {
    const payload = encodeUserauthRequest({ username, service: connectionService, method: 'none' })
    return this.#exchange.ask<Answer>({ payload, what: 'the answer to none', answers: successOrFailure })
  }

  async #password(username: string, password: string): Promise<Answer | undefined> {
    let newPassword: string | undefined
    for (let changes = 0; changes <= maxForms; changes++) {
      const request = { username, service: connectionService, method: 'password', password, newPassword } as const
      const payload = encodeUserauthRequest(request)
      const answer = await this.#exchange.ask({ payload, what: 'the answer to the password', answers: passwordAnswers })
      if (answer.answer !== 'change') return answer
      newPassword = await this.#newPassword(answer.prompt)
      if (newPassword === undefined) return undefined
    }
    return undefined
  }

  #newPassword(prompt: string): Promise<string | undefined> {
    const { events, limits } = this.#options
    const wait = { limit: 'prompt', limitMs: limits.prompt, what: 'a new password' } as const
    return this.#within<string | undefined>(wait, (answer) => {
      if (!events.changePassword(prompt, (password) => answer(password))) answer(undefined)
    })
  }

  async #keyboardInteractive(
    method: ReadyMethod & { readonly type: 'keyboard-interactive' },
  ): Promise<Answer | undefined> {
    const { username } = method
    const request = { username, service: connectionService, method: 'keyboard-interactive', submethods: [] } as const
    let answer = await this.#form(encodeUserauthRequest(request))
    for (let forms = 0; answer.answer === 'form'; forms++) {
      if (forms > maxForms) return undefined
      const responses = await this.#fill(answer.form, method.prompt)
      answer = await this.#form(encodeInfoResponse(responses))
    }
    return answer
  }

  #form(payload: Buffer): Promise<FormAnswer> {
    return this.#exchange.ask({ payload, what: 'the answer to keyboard-interactive', answers: formAnswers })
  }

  #fill({ name, instruction, prompts }: InfoRequest, ask: AskPrompts): Promise<readonly string[]> {
    const wait = { limit: 'prompt', limitMs: this.#options.limits.prompt, what: 'the answers to a form' } as const
    return this.#within<readonly string[]>(wait, (answer) => {
      if (prompts.length === 0) answer([])
      else {
        const shown = prompts.map(({ text, echo }) => ({ prompt: text, echo }))
        ask(name, instruction, '', shown, (answers) => answer((answers ?? []).map(String)))
      }
    })
  }

  /** Waits for the program, no longer than a limit, nor than the connection lives. */
  #within<T>(
    wait: { readonly limit: 'prompt' | 'agent'; readonly limitMs: number | false; readonly what: string },
    begin: (answer: (value: T) => void) => void,
  ): Promise<T> {
    return waitForBystander(this.#port.waits, wait, () => called(begin))
  }
}

function nothingLeft(): HoldfastError {
  return new HoldfastError('ERR_SSH_AUTHENTICATION', 'All configured authentication methods failed', {
    phase: 'authentication',
  })
}
