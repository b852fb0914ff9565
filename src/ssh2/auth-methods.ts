import { type AgentLike, createAgent, isAgent } from './agents.js'
import { type ParsedKey, parseKey } from './parsed-key.js'

export interface Prompt {
  readonly prompt: string
  readonly echo?: boolean
}

/** Takes the answers, one a prompt. */
export type FinishPrompts = (answers?: readonly string[]) => void

export type AskPrompts = (
  name: string,
  instructions: string,
  lang: string,
  prompts: readonly Prompt[],
  finish: FinishPrompts,
) => void

export type AuthMethodName = 'none' | 'password' | 'publickey' | 'hostbased' | 'agent' | 'keyboard-interactive'

/** One method with what it needs, as an `authHandler` may give it. */
export type AuthMethod =
  | { readonly type: 'none'; readonly username: string }
  | { readonly type: 'password'; readonly username: string; readonly password: string }
  | {
      readonly type: 'publickey'
      readonly username: string
      readonly key: string | Buffer | ParsedKey
      readonly passphrase?: string | Buffer
    }
  | {
      readonly type: 'hostbased'
      readonly username: string
      readonly localHostname: string
      readonly localUsername: string
      readonly key: string | Buffer | ParsedKey
      readonly passphrase?: string | Buffer
    }
  | { readonly type: 'agent'; readonly username: string; readonly agent: string | AgentLike }
  | { readonly type: 'keyboard-interactive'; readonly username: string; readonly prompt: AskPrompts }

/** Says which method comes next: its name, the method itself, or false where none is left; at once or by `next`. */
export type AuthHandler = (
  methodsLeft: readonly string[] | null,
  partialSuccess: boolean | null,
  next: (method: AuthMethodName | AuthMethod | false) => void,
) => AuthMethodName | AuthMethod | false | undefined

/** A method that can be tried. */
export type ReadyMethod =
  | { readonly type: 'none'; readonly username: string }
  | { readonly type: 'password'; readonly username: string; readonly password: string }
  | { readonly type: 'publickey'; readonly username: string; readonly key: ParsedKey }
  | {
      readonly type: 'hostbased'
      readonly username: string
      readonly key: ParsedKey
      readonly localHostname: string
      readonly localUsername: string
    }
  | { readonly type: 'agent'; readonly username: string; readonly agent: AgentLike }
  | { readonly type: 'keyboard-interactive'; readonly username: string; readonly prompt: AskPrompts }

/** What `connect()` was given to log in with. */
export interface Credentials {
  readonly username: string
  readonly password: string | undefined
  readonly key: ParsedKey | undefined
  readonly agent: AgentLike | undefined
  readonly tryKeyboard: boolean
  readonly localHostname: string | undefined
  readonly localUsername: string | undefined
}

/** The methods that the credentials allow, in the order in which ssh2 tries them. */
export function allowedMethods(credentials: Credentials): readonly AuthMethodName[] {
  const { password, key, agent, tryKeyboard, localHostname, localUsername } = credentials
  const allowed: AuthMethodName[] = ['none']
  if (password !== undefined) allowed.push('password')
  if (key !== undefined) allowed.push('publickey')
  if (agent !== undefined) allowed.push('agent')
  if (tryKeyboard) allowed.push('keyboard-interactive')
  if (key !== undefined && localHostname !== undefined && localUsername !== undefined) allowed.push('hostbased')
  return allowed
}

/** A list of methods as the function that it stands for. */
export function handlerOf(given: unknown, credentials: Credentials): AuthHandler {
  if (typeof given === 'function') {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it gives is looked at before it is used
    return given as AuthHandler
  }
  const list = (Array.isArray(given) ? given : allowedMethods(credentials)) as readonly (AuthMethodName | AuthMethod)[]
  let next = 0
  return () => list[next++] ?? false
}

/** @returns why the method cannot be tried, where it is not as ssh2 wants it */
export function readyMethod(given: unknown, credentials: Credentials, ask: AskPrompts): ReadyMethod | string {
  if (typeof given === 'string') return namedMethod(given, credentials, ask)
  if (typeof given !== 'object' || given === null) return `Skipping invalid authentication attempt: ${String(given)}`
  const username: unknown = Reflect.get(given, 'username')
  if (typeof username !== 'string') return 'Skipping invalid authentication attempt: no username'
  return describedMethod(given, username)
}

function namedMethod(name: string, credentials: Credentials, ask: AskPrompts): ReadyMethod | string {
  const { username, password, key, agent, localHostname, localUsername } = credentials
  if (!allowedMethods(credentials).some((allowed) => allowed === name))
    return `Authentication method not allowed: ${name}`
  if (name === 'none') return { type: name, username }
  if (name === 'password' && password !== undefined) return { type: name, username, password }
  if (name === 'publickey' && key !== undefined) return { type: name, username, key }
  if (name === 'agent' && agent !== undefined) return { type: name, username, agent }
  if (name === 'keyboard-interactive') return { type: name, username, prompt: ask }
  if (name === 'hostbased' && key !== undefined && localHostname !== undefined && localUsername !== undefined)
    return { type: name, username, key, localHostname, localUsername }
  return `Skipping unsupported authentication method: ${name}`
}

function describedMethod(given: object, username: string): ReadyMethod | string {
  const field = (name: string): unknown => Reflect.get(given, name)
  const type = field('type')
  switch (type) {
    case 'none':
      return { type, username }
    case 'password': {
      const password = field('password')
      if (Buffer.isBuffer(password)) return { type, username, password: password.toString('utf8') }
      return typeof password === 'string' ? { type, username, password } : 'Skipping invalid password auth attempt'
    }
    case 'publickey':
    case 'hostbased':
      return keyMethod(type, username, field)
    case 'agent': {
      const agent = field('agent')
      if (typeof agent === 'string' && agent !== '') return { type, username, agent: createAgent(agent) }
      return isAgent(agent) ? { type, username, agent } : 'Skipping invalid agent'
    }
    case 'keyboard-interactive': {
      const prompt = field('prompt')
      if (typeof prompt !== 'function') return 'Skipping invalid keyboard-interactive auth attempt'
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it answers is looked at
      return { type, username, prompt: prompt as AskPrompts }
    }
    default:
      return `Skipping unsupported authentication method: ${String(type)}`
  }
}

function keyMethod(
  type: 'publickey' | 'hostbased',
  username: string,
  field: (name: string) => unknown,
): ReadyMethod | string {
  const key = parseKey(field('key'), field('passphrase'))
  if (key instanceof Error) return `Skipping invalid ${type === 'publickey' ? 'key' : type} auth attempt`
  if (!key.isPrivateKey()) return 'Skipping non-private key'
  if (type === 'publickey') return { type, username, key }
  const [localHostname, localUsername] = [field('localHostname'), field('localUsername')]
  if (typeof localHostname !== 'string' || typeof localUsername !== 'string')
    return 'Skipping invalid hostbased auth attempt'
  return { type, username, key, localHostname, localUsername }
}
