import { waitForBystander } from '../auth/bystander.js'
import { isLimit } from '../auth/client-signature.js'
import { type Answer, type Exchange, type Failure, failure, successOrFailure } from '../auth/exchange.js'
import { type AuthLimits, type AuthPort, connectionService } from '../auth/port.js'
import { HoldfastError } from '../errors.js'
import { authMethodNumber, decodePublicKeyOk, encodeSignedData, encodeUserauthRequest } from '../wire/auth-messages.js'
import { messageNumber } from '../wire/numbers.js'
import { Writer } from '../wire/writer.js'
import { identitiesOf, signatureOf } from './agent-calls.js'
import type { AgentLike } from './agents.js'
import type { ReadyMethod } from './auth-methods.js'
import { type ErrorLevel, type Ssh2Error, ssh2Error } from './errors.js'
import type { ParsedKey } from './parsed-key.js'
import { signatureBlob } from './signature-format.js'

export interface KeyLoginContext {
  readonly port: AuthPort
  readonly exchange: Exchange
  readonly limits: AuthLimits
  readonly events: { error(error: Ssh2Error): void; debug(text: string): void }
}

type Method<Type extends ReadyMethod['type']> = Extract<ReadyMethod, { readonly type: Type }>

/** With what a key signs, as the peer takes it. */
interface Algorithm {
  readonly name: string
  readonly hash: string | undefined
}

/** Signs for one request. Rejects with what the program is to be told. */
type Sign = (data: Buffer, hash: string | undefined) => Promise<Buffer>

const queryAnswers = new Map<number, (payload: Buffer) => Failure | { readonly answer: 'ok' }>([
  ...failure,
  [
    authMethodNumber.PK_OK,
    (payload) => {
      decodePublicKeyOk(payload)
      return { answer: 'ok' }
    },
  ],
])

/** Methods that prove a key: each is first asked about, and signed for only where the peer would take it. */
export class KeyLogin {
  readonly #context: KeyLoginContext

  constructor(context: KeyLoginContext) {
    this.#context = context
  }

  key({ username, key }: Method<'publickey'>): Promise<Answer | undefined> {
    const sign: Sign = async (data, hash) => signedBy(key, data, hash)
    return this.#prove(username, key, sign, 'client-authentication')
  }

  /** One key of the agent after the other. */
  async agent({ username, agent }: Method<'agent'>): Promise<Answer | undefined> {
    const keys = await this.#identities(agent)
    let refused: Answer | undefined
    for (const key of keys) {
      const sign: Sign = (data, hash) => this.#signedByAgent(agent, key, data, hash)
      const answer = await this.#prove(username, key, sign, 'agent')
      if (answer?.answer === 'success') return answer
      refused = answer ?? refused
    }
    return refused
  }

  /** RFC 4252 section 9. */
  async hostbased({ username, key, localHostname, localUsername }: Method<'hostbased'>): Promise<Answer | undefined> {
    const { port, exchange } = this.#context
    const algorithm = this.#algorithm(key)
    if (algorithm === undefined) return undefined
    const request = new Writer()
      .byte(messageNumber.USERAUTH_REQUEST)
      .string(username)
      .string(connectionService)
      .string('hostbased')
      .string(algorithm.name)
      .string(key.getPublicSSH())
      .string(localHostname)
      .string(localUsername)
      .finish()
    const data = new Writer().string(port.sessionId()).bytes(request).finish()
    const sign: Sign = async (bytes, hash) => signedBy(key, bytes, hash)
    const signature = await this.#signature(data, key, algorithm, sign, 'client-authentication')
    if (signature === undefined) return undefined
    const payload = new Writer().bytes(request).string(signature).finish()
    return exchange.ask({ payload, what: 'the answer to hostbased', answers: successOrFailure })
  }

  async #prove(username: string, key: ParsedKey, sign: Sign, level: ErrorLevel): Promise<Answer | undefined> {
    const { port, exchange } = this.#context
    const algorithm = this.#algorithm(key)
    if (algorithm === undefined) return undefined
    const head = { username, service: connectionService, method: 'publickey' } as const
    const request = { ...head, algorithm: algorithm.name, key: key.getPublicSSH() }
    const what = `the answer to publickey ${key.type}`
    const query = encodeUserauthRequest({ ...request, signature: undefined })
    const answer = await exchange.ask({ payload: query, what, answers: queryAnswers })
    if (answer.answer === 'failure') return answer
    const data = encodeSignedData(port.sessionId(), request)
    const signature = await this.#signature(data, key, algorithm, sign, level)
    if (signature === undefined) return undefined
    return exchange.ask({ payload: encodeUserauthRequest({ ...request, signature }), what, answers: successOrFailure })
  }

  /** @returns undefined where it could not be made; the program was told */
  async #signature(
    data: Buffer,
    key: ParsedKey,
    { name, hash }: Algorithm,
    sign: Sign,
    level: ErrorLevel,
  ): Promise<Buffer | undefined> {
    try {
      const made = await sign(data, hash)
      return signatureBlob(key.type === 'ssh-rsa' ? name : key.type, made)
    } catch (error) {
      if (endsConnection(error)) throw error
      this.#context.events.error(levelled(error, level))
      return undefined
    }
  }

  /** RFC 8332: SHA-2 for RSA where the peer says that it takes it, as ssh2 chooses. */
  #algorithm({ type }: ParsedKey): Algorithm | undefined {
    if (type !== 'ssh-rsa') return { name: type, hash: undefined }
    const offered = this.#context.port.serverSigAlgs()
    if (offered === undefined) return { name: 'ssh-rsa', hash: 'sha1' }
    const chosen = rsaAlgorithms.find(({ name }) => offered.includes(name))
    if (chosen === undefined) this.#context.events.debug('Skipping key authentication (no mutual hash algorithm)')
    return chosen
  }

  async #identities(agent: AgentLike): Promise<readonly ParsedKey[]> {
    const { port, limits, events } = this.#context
    const wait = { limit: 'agent', limitMs: limits.agent, what: 'the list of keys of the agent' } as const
    try {
      return await waitForBystander(port.waits, wait, () => identitiesOf(agent))
    } catch (error) {
      if (endsConnection(error)) throw error
      events.error(levelled(error, 'agent'))
      return []
    }
  }

  /** An agent that does not sign at once may be waiting for its owner, and gets a person's time. */
  async #signedByAgent(agent: AgentLike, key: ParsedKey, data: Buffer, hash: string | undefined): Promise<Buffer> {
    const { port, limits } = this.#context
    const signing = signatureOf(agent, key, data, hash)
    const what = `the signature of the agent by ${key.type}`
    try {
      return await waitForBystander(port.waits, { limit: 'agent', limitMs: limits.agent, what }, () => signing)
    } catch (error) {
      if (!isLimit(error, 'agent')) throw error
    }
    return waitForBystander(port.waits, { limit: 'prompt', limitMs: limits.prompt, what }, () => signing)
  }
}

const rsaAlgorithms: readonly Algorithm[] = [
  { name: 'rsa-sha2-256', hash: 'sha256' },
  { name: 'rsa-sha2-512', hash: 'sha512' },
  { name: 'ssh-rsa', hash: 'sha1' },
]

/** Whether it is the end of the connection, which no other method can outlast. */
function endsConnection(error: unknown): boolean {
  if (!(error instanceof HoldfastError) || error.code === 'ERR_SSH_AGENT') return false
  return error.code !== 'ERR_SSH_TIMEOUT' || (error.limit !== 'agent' && error.limit !== 'prompt')
}

function signedBy(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  const made = key.sign(data, hash)
  if (!(made instanceof Error)) return made
  throw ssh2Error(`Error signing data with key: ${made.message}`)
}

function levelled(error: unknown, level: ErrorLevel): Ssh2Error {
  const given: Ssh2Error = error instanceof Error ? error : ssh2Error(String(error))
  given.level = level
  return given
}
