import type { ClientMethod, MethodContext, Outcome } from '../auth/client-method.js'
import { givenUp } from '../auth/client-method.js'
import { requestSignature } from '../auth/client-signature.js'
import { type Answer, successOrFailure } from '../auth/exchange.js'
import { chooseAlgorithm, describeSigner, requestAlgorithm, type Signer } from '../auth/signer.js'
import { messageNumber } from '../wire/numbers.js'
import { Writer } from '../wire/writer.js'

export interface HostbasedOptions {
  /** The host key of this machine. */
  readonly signer: Signer
  readonly hostname: string
  /** Who asks, on this machine. */
  readonly localUsername: string
  readonly algorithms: readonly string[] | undefined
}

/** RFC 4252 section 9: the key of this host vouches for its user. */
export class HostbasedMethod implements ClientMethod {
  readonly name = 'hostbased'
  readonly asksFirst = false
  readonly #context: MethodContext
  readonly #options: HostbasedOptions
  #left = true

  constructor(context: MethodContext, options: HostbasedOptions) {
    this.#context = context
    this.#options = options
  }

  get left(): boolean {
    return this.#left
  }

  undo(): void {
    this.#left = true
  }

  async attempt(): Promise<Outcome> {
    this.#left = false
    const { signer, hostname, localUsername, algorithms } = this.#options
    const { port, exchange, attempts, username, service } = this.#context
    const { publicKey } = signer
    const what = `hostbased ${describeSigner(signer)}`
    const algorithm = chooseAlgorithm(publicKey, port.serverSigAlgs(), algorithms)
    if (algorithm === undefined) {
      attempts.failedHere(what, 'no signature algorithm is left for this key')
      return givenUp
    }
    const request = new Writer()
      .byte(messageNumber.USERAUTH_REQUEST)
      .string(username)
      .string(service)
      .string(this.name)
      .string(requestAlgorithm(publicKey, algorithm))
      .string(publicKey.blob)
      .string(hostname)
      .string(localUsername)
      .finish()
    const signed = new Writer().string(port.sessionId()).bytes(request).finish()
    const signature = await this.#sign(what, algorithm, signed)
    if (signature === undefined) return givenUp
    const payload = new Writer().bytes(request).string(signature).finish()
    const answer = await exchange.ask<Answer>({ payload, what: 'the answer to hostbased', answers: successOrFailure })
    if (answer.answer === 'failure') attempts.answered(what, answer)
    return answer
  }

  /** @returns undefined where it could not be made, which is said with what came of the login */
  async #sign(what: string, algorithm: string, data: Buffer): Promise<Buffer | undefined> {
    try {
      return await requestSignature(this.#context, this.#options.signer, algorithm, data)
    } catch (error) {
      this.#context.attempts.failedHere(what, error)
      return undefined
    }
  }
}
