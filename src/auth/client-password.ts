import { authMethodNumber, decodePasswordChangeRequest, encodeUserauthRequest } from '../wire/auth-messages.js'
import { printable } from '../wire/printable.js'
import { type ClientMethod, givenUp, type MethodContext, type Outcome } from './client-method.js'
import { type Answer, successOrFailure } from './exchange.js'
import { type AskPerson, askPerson } from './prompt.js'

/** A person may mistype; OpenSSH's NumberOfPasswordPrompts. */
const maxTries = 3
/** How often a peer may find a new password not good enough. */
const maxChanges = 5

export interface PasswordOptions {
  /** The password, or the way to a person who knows it. */
  readonly password: string | AskPerson
  /** Asked for a new password when the peer says that the old one has expired. Without it such a login fails. */
  readonly changePassword?: AskPerson | undefined
}

type PasswordAnswer = Answer | { readonly answer: 'change'; readonly prompt: string }

const answers = new Map<number, (payload: Buffer) => PasswordAnswer>([
  ...successOrFailure,
  [
    authMethodNumber.PASSWD_CHANGEREQ,
    (payload) => ({ answer: 'change', prompt: decodePasswordChangeRequest(payload) }),
  ],
])

/** RFC 4252 section 8. */
export class PasswordMethod implements ClientMethod {
  readonly name = 'password'
  readonly asksFirst: boolean
  readonly #context: MethodContext
  readonly #options: PasswordOptions
  #triesLeft: number

  constructor(context: MethodContext, options: PasswordOptions) {
    this.#context = context
    this.#options = options
    this.asksFirst = typeof options.password !== 'string'
    this.#triesLeft = this.asksFirst ? maxTries : 1
  }

  get left(): boolean {
    return this.#triesLeft > 0
  }

  undo(): void {
    this.#triesLeft++
  }

  async attempt(): Promise<Outcome> {
    this.#triesLeft--
    const password = await this.#password()
    let answer = await this.#send(password, undefined)
    for (let changes = 0; answer.answer === 'change'; changes++) {
      const newPassword = changes < maxChanges ? await this.#newPassword(answer.prompt) : undefined
      if (newPassword === undefined) return this.#expired(answer.prompt)
      answer = await this.#send(password, newPassword)
    }
    if (answer.answer === 'success') return answer
    this.#context.attempts.answered('password', answer)
    // It was right: asking for it again would be in vain.
    if (answer.partialSuccess) this.#triesLeft = 0
    return answer
  }

  async #password(): Promise<string> {
    const { password } = this.#options
    if (typeof password === 'string') return password
    return this.#askFor(password, '', `Password for ${this.#context.username}: `)
  }

  async #newPassword(prompt: string): Promise<string | undefined> {
    const { changePassword } = this.#options
    return changePassword && this.#askFor(changePassword, prompt, 'New password: ')
  }

  async #askFor(ask: AskPerson, instruction: string, text: string): Promise<string> {
    const form = { name: '', instruction, prompts: [{ text, echo: false }] }
    const [answer = ''] = await askPerson(this.#context, ask, form)
    return answer
  }

  #send(password: string, newPassword: string | undefined): Promise<PasswordAnswer> {
    const { username, service, exchange } = this.#context
    const payload = encodeUserauthRequest({ username, service, method: 'password', password, newPassword })
    const what = newPassword === undefined ? 'the answer to the password' : 'the answer to the change of password'
    return exchange.ask({ payload, what, answers })
  }

  #expired(prompt: string): Outcome {
    this.#triesLeft = 0
    const reason = `it has expired, and the peer asks for a new one ('${printable(prompt, 200)}')`
    this.#context.attempts.failedHere('password', reason, 'give `changePassword`, or change it in a login with `ssh`')
    return givenUp
  }
}
