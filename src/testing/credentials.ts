import type { AuthAttempt, Authenticate, KeyboardInteractiveAttempt, ServerMethod } from '../auth/server-attempt.js'
import type { PublicKey } from '../keys/public-key.js'
import { parsePublicKeyLine } from '../keys/public-key-line.js'
import { checkFields, checkList, checkObject, checkText, checkType, optionError } from './option-checks.js'

/** By what a user may log in: by any one of these. */
export interface UserOptions {
  readonly password?: string | undefined
  /** Lines of authorized_keys or `.pub` files. */
  readonly authorizedKeys?: readonly string[] | undefined
  /** Asked by keyboard-interactive, all in one form. */
  readonly prompts?: readonly PromptOptions[] | undefined
}

export interface PromptOptions {
  readonly text: string
  readonly answer: string
  /** Whether the person may see what he types. @default false */
  readonly echo?: boolean | undefined
}

interface User {
  readonly password: string | undefined
  readonly keys: readonly PublicKey[]
  readonly prompts: readonly PromptOptions[]
}

/** The users of a server, and what proves that one is who he says. */
export class Credentials {
  readonly methods: readonly ServerMethod[]
  readonly #users: ReadonlyMap<string, User>

  /** @throws HoldfastError ERR_SSH_OPTION, ERR_SSH_KEY */
  constructor(users: Readonly<Record<string, UserOptions>>) {
    checkObject('users', users)
    this.#users = new Map(Object.entries(users).map(([name, options]) => [name, readUser(name, options)]))
    const all = [...this.#users.values()]
    const methods: ServerMethod[] = []
    if (all.some(({ keys }) => keys.length > 0)) methods.push('publickey')
    if (all.some(({ password }) => password !== undefined)) methods.push('password')
    if (all.some(({ prompts }) => prompts.length > 0)) methods.push('keyboard-interactive')
    this.methods = methods
  }

  readonly authenticate: Authenticate = async (attempt) => {
    const user = this.#users.get(attempt.username)
    return user !== undefined && (await proves(attempt, user)) ? 'accept' : 'refuse'
  }
}

function readUser(name: string, user: UserOptions): User {
  checkFields(`users.${name}`, user, { password: true, authorizedKeys: true, prompts: true })
  const { password, authorizedKeys = [], prompts = [] } = user
  checkType(`users.${name}.password`, password, 'string')
  checkList(`users.${name}.authorizedKeys`, authorizedKeys)
  checkPrompts(`users.${name}.prompts`, prompts)
  if (password === undefined && authorizedKeys.length === 0 && prompts.length === 0)
    throw optionError(`users.${name}`, 'can log in by nothing: give password, authorizedKeys or prompts')
  const keys = authorizedKeys.map((line, index) => {
    const option = `users.${name}.authorizedKeys[${index}]`
    checkText(option, line)
    return parsePublicKeyLine(line, option).key
  })
  return { password, keys, prompts }
}

function checkPrompts(option: string, prompts: readonly PromptOptions[]): void {
  checkList(option, prompts)
  for (const [index, prompt] of prompts.entries()) {
    checkFields(`${option}[${index}]`, prompt, { text: true, answer: true, echo: true })
    checkText(`${option}[${index}].text`, prompt.text)
    checkText(`${option}[${index}].answer`, prompt.answer)
    checkType(`${option}[${index}].echo`, prompt.echo, 'boolean')
  }
}

async function proves(attempt: AuthAttempt, { password, keys, prompts }: User): Promise<boolean> {
  if (attempt.method === 'password') return attempt.password === password
  if (attempt.method === 'publickey') return keys.some(({ blob }) => blob.equals(attempt.key.blob))
  return attempt.method === 'keyboard-interactive' && prompts.length > 0 && answers(attempt, prompts)
}

async function answers(attempt: KeyboardInteractiveAttempt, prompts: readonly PromptOptions[]): Promise<boolean> {
  const form = { name: '', instruction: '', prompts: prompts.map(({ text, echo = false }) => ({ text, echo })) }
  const given = await attempt.ask(form)
  return prompts.every(({ answer }, index) => given[index] === answer)
}
