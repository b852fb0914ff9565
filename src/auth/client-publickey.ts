import { HoldfastError } from '../errors.js'
import type { PublicKey } from '../keys/public-key.js'
import {
  authMethodNumber,
  decodePublicKeyOk,
  encodeSignedData,
  encodeUserauthRequest,
  type PublicKeyRequest,
  type UserauthRequest,
} from '../wire/auth-messages.js'
import { printable } from '../wire/printable.js'
import { waitForBystander } from './bystander.js'
import { type ClientMethod, givenUp, type MethodContext, type Outcome } from './client-method.js'
import { isLimit, requestSignature } from './client-signature.js'
import { type Failure, failure, successOrFailure } from './exchange.js'
import { chooseAlgorithm, describeSigner, requestAlgorithm, type Signer, type SignerSource } from './signer.js'

export interface PublicKeyOptions {
  /** In the order in which they are tried, except that certificates come before plain keys. */
  readonly keys: readonly (Signer | SignerSource)[]
  /** The signature algorithms that may be used. By default all but `ssh-rsa`, which is SHA-1. */
  readonly algorithms?: readonly string[] | undefined
}

type UnsignedRequest = Omit<PublicKeyRequest, 'signature'> & Pick<UserauthRequest, 'username' | 'service'>

/** Public keys, one an attempt: RFC 4252 section 7. */
export class PublicKeyMethod implements ClientMethod {
  readonly name = 'publickey'
  readonly asksFirst = false
  readonly #context: MethodContext
  readonly #options: PublicKeyOptions
  #signers: Signer[] | undefined
  #last: Signer | undefined
  /** One key can come from a file and from an agent: what the peer refused once it is not asked again. */
  readonly #refused = new Set<string>()
  /** A single key in memory is signed with at once: asking first would cost a round trip and save nothing. */
  #single = false

  constructor(context: MethodContext, options: PublicKeyOptions) {
    this.#context = context
    this.#options = options
  }

  get left(): boolean {
    return this.#signers === undefined ? this.#options.keys.length > 0 : this.#signers.length > 0
  }

  async attempt(): Promise<Outcome> {
    this.#signers ??= await this.#collect()
    const signer = this.#signers.shift()
    if (signer === undefined || this.#refused.has(identityOf(signer.publicKey))) return givenUp
    this.#last = signer
    const { publicKey } = signer
    const offered = this.#context.port.serverSigAlgs()
    const algorithm = chooseAlgorithm(publicKey, offered, this.#options.algorithms)
    if (algorithm !== undefined) return this.#try(signer, algorithm)
    const peerTakes = offered === undefined ? '' : `; the peer takes ${printable(offered.join(', '))}`
    this.#context.attempts.failedHere(describeSigner(signer), `no signature algorithm is left for this key${peerTakes}`)
    return givenUp
  }

  undo(): void {
    if (this.#last === undefined) return
    this.#refused.delete(identityOf(this.#last.publicKey))
    this.#signers?.unshift(this.#last)
  }

  async #collect(): Promise<Signer[]> {
    const lists = await Promise.all(this.#options.keys.map(async (key) => ('sign' in key ? [key] : this.#list(key))))
    const signers = lists.flat()
    const [only] = signers
    this.#single = signers.length === 1 && only?.waitsOn === 'nothing'
    return [...signers.filter(isCertificate), ...signers.filter((signer) => !isCertificate(signer))]
  }

  async #list(source: SignerSource): Promise<readonly Signer[]> {
    const { port, limits, attempts } = this.#context
    const wait = { limit: 'agent', limitMs: limits.agent, what: `the list of keys of ${source.name}` } as const
    try {
      return await waitForBystander(port.waits, wait, (signal) => source.signers(signal))
    } catch (error) {
      attempts.failedHere(source.name, error)
      return []
    }
  }

  async #try(signer: Signer, algorithm: string): Promise<Outcome> {
    const { username, service, exchange } = this.#context
    const { publicKey } = signer
    const what = describeSigner(signer)
    const request = {
      username,
      service,
      method: 'publickey',
      algorithm: requestAlgorithm(publicKey, algorithm),
      key: publicKey.blob,
    } as const
    const refusal = this.#single ? undefined : await this.#query(what, request, publicKey)
    if (refusal !== undefined) return this.#refuse(what, publicKey, refusal)
    const signature = await this.#sign(what, signer, algorithm, request)
    if (signature === undefined) return givenUp
    const payload = encodeUserauthRequest({ ...request, signature })
    const answer = await exchange.ask({ payload, what: `the answer to ${what}`, answers: successOrFailure })
    return answer.answer === 'failure' ? this.#refuse(what, publicKey, answer) : answer
  }

  /** @returns the refusal, or undefined when the peer would take the key */
  #query(what: string, request: UnsignedRequest, key: PublicKey): Promise<Failure | undefined> {
    return this.#context.exchange.ask<Failure | undefined>({
      payload: encodeUserauthRequest({ ...request, signature: undefined }),
      what: `the answer to the query for ${what}`,
      // SUCCESS is no answer to a query: nothing was proved yet.
      answers: new Map<number, (payload: Buffer) => Failure | undefined>([
        ...failure,
        [authMethodNumber.PK_OK, (payload) => checkPublicKeyOk(payload, request.algorithm, key)],
      ]),
    })
  }

  /** @returns undefined when the key's owner did not sign, which keeps the other keys from being tried no longer */
  async #sign(what: string, signer: Signer, algorithm: string, request: UnsignedRequest): Promise<Buffer | undefined> {
    const data = encodeSignedData(this.#context.port.sessionId(), request)
    try {
      return await requestSignature(this.#context, signer, algorithm, data)
    } catch (error) {
      this.#context.attempts.failedHere(what, error)
      if (isLimit(error, 'prompt')) this.#dropOthersOf(signer)
      return undefined
    }
  }

  #refuse(what: string, key: PublicKey, answer: Failure): Outcome {
    this.#refused.add(identityOf(key))
    this.#context.attempts.answered(what, answer)
    return answer
  }

  /** An agent that did not answer once would cost the same time for each further key. */
  #dropOthersOf({ source }: Signer): void {
    this.#signers = this.#signers?.filter((signer) => signer.source !== source)
  }
}

const isCertificate = ({ publicKey }: Signer): boolean => publicKey.certificate !== undefined

const identityOf = (key: PublicKey): string => key.blob.toString('base64')

function checkPublicKeyOk(payload: Buffer, algorithm: string, key: PublicKey): undefined {
  const ok = decodePublicKeyOk(payload)
  if (!ok.key.equals(key.blob)) throw breach('names another key than the one asked about')
  // Some servers repeat the type of an RSA key instead of the algorithm asked for.
  if (ok.algorithm === algorithm || ok.algorithm === key.type) return
  throw breach(`names the algorithm ${ok.algorithm}, where ${algorithm} was asked about`)
}

function breach(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `USERAUTH_PK_OK ${problem}`, { phase: 'authentication' })
}
