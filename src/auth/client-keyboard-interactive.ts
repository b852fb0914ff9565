import { HoldfastError } from '../errors.js'
import {
  authMethodNumber,
  decodeInfoRequest,
  encodeInfoResponse,
  encodeUserauthRequest,
  type InfoRequest,
} from '../wire/auth-messages.js'
import { printable } from '../wire/printable.js'
import { type ClientMethod, givenUp, type MethodContext, type Outcome } from './client-method.js'
import { type Answer, successOrFailure } from './exchange.js'
import { type AskPerson, askPerson } from './prompt.js'

/** A person may mistype, as with a password. */
const maxTries = 3
/** Forms of one attempt. A form without prompts needs no person, so a peer could go on for ever. */
const maxForms = 50

export interface KeyboardInteractiveOptions {
  /** The password, which fills in a form with one hidden prompt and nothing else; or the way to a person. */
  readonly answers: string | AskPerson
}

type FormAnswer = Answer | { readonly answer: 'form'; readonly form: InfoRequest }

const answers = new Map<number, (payload: Buffer) => FormAnswer>([
  ...successOrFailure,
  [authMethodNumber.INFO_REQUEST, (payload) => ({ answer: 'form', form: decodeInfoRequest(payload) })],
])

/** RFC 4256: the peer sends forms, as many as it likes, and the client their answers. */
export class KeyboardInteractiveMethod implements ClientMethod {
  readonly name = 'keyboard-interactive'
  /** The peer's form comes before a person is asked. */
  readonly asksFirst = false
  readonly #context: MethodContext
  readonly #options: KeyboardInteractiveOptions
  #triesLeft: number

  constructor(context: MethodContext, options: KeyboardInteractiveOptions) {
    this.#context = context
    this.#options = options
    this.#triesLeft = typeof options.answers === 'string' ? 1 : maxTries
  }

  get left(): boolean {
    return this.#triesLeft > 0
  }

  undo(): void {
    this.#triesLeft++
  }

  async attempt(): Promise<Outcome> {
    this.#triesLeft--
    const { attempts, username, service } = this.#context
    const filled = new FormFiller(this.#context, this.#options.answers)
    let answer = await this.#send(
      encodeUserauthRequest({ username, service, method: 'keyboard-interactive', submethods: [] }),
      'the answer to keyboard-interactive',
    )
    while (answer.answer === 'form') {
      const responses = await filled.fill(answer.form)
      if (responses === undefined) return this.#giveUp(answer.form)
      answer = await this.#send(encodeInfoResponse(responses), 'the answer to the form')
    }
    if (answer.answer === 'success') return answer
    attempts.answered('keyboard-interactive', answer)
    // The peer has no form for this user: asking again would bring the same.
    if (filled.count === 0) this.#triesLeft = 0
    return answer
  }

  #send(payload: Buffer, what: string): Promise<FormAnswer> {
    return this.#context.exchange.ask({ payload, what, answers })
  }

  #giveUp({ prompts }: InfoRequest): Outcome {
    const asked = printable(prompts.map(({ text }) => text.trimEnd()).join("', '"))
    const reason = `the peer asks '${asked}', which the password does not answer`
    this.#context.attempts.failedHere('keyboard-interactive', reason, 'give `prompt` for a person to answer')
    return givenUp
  }
}

/** Fills in the forms of one attempt. */
class FormFiller {
  readonly #context: MethodContext
  readonly #answers: string | AskPerson
  #passwordUsed = false
  #count = 0

  constructor(context: MethodContext, source: string | AskPerson) {
    this.#context = context
    this.#answers = source
  }

  /** How many forms came. */
  get count(): number {
    return this.#count
  }

  /** @returns undefined when the password is no answer */
  async fill(form: InfoRequest): Promise<readonly string[] | undefined> {
    this.#count++
    if (this.#count > maxForms) throw tooManyForms()
    if (typeof this.#answers === 'string') return this.#fillInPassword(this.#answers, form)
    const { name, instruction, prompts } = form
    const isEmpty = name === '' && instruction === '' && prompts.length === 0
    return isEmpty ? [] : askPerson(this.#context, this.#answers, form)
  }

  #fillInPassword(password: string, { prompts }: InfoRequest): readonly string[] | undefined {
    const [prompt, second] = prompts
    if (prompt === undefined) return []
    if (second !== undefined || prompt.echo || this.#passwordUsed) return undefined
    this.#passwordUsed = true
    return [password]
  }
}

function tooManyForms(): HoldfastError {
  const message = `USERAUTH_INFO_REQUEST came more than ${maxForms} times in one attempt`
  return new HoldfastError('ERR_SSH_PROTOCOL', message, { phase: 'authentication' })
}
