import { HoldfastError } from '../errors.js'
import type { Wait } from '../liveness/waits.js'
import { decodeInfoResponse, encodeInfoRequest, type InfoRequest } from '../wire/auth-messages.js'
import type { AuthPort } from './port.js'

interface OpenForm {
  readonly wait: Wait<readonly string[]>
  readonly prompts: number
}

/** The forms of keyboard-interactive that a server sends, one at a time, and their answers: RFC 4256 section 3. */
export class ServerForms {
  readonly #port: AuthPort
  readonly #limitMs: number | false
  #open: OpenForm | undefined
  #wasAbandoned = false

  constructor(port: AuthPort, limitMs: number | false) {
    this.#port = port
    this.#limitMs = limitMs
  }

  /** Whether the client turned to another request in the middle of this attempt. */
  get wasAbandoned(): boolean {
    return this.#wasAbandoned
  }

  begin(): void {
    this.#wasAbandoned = false
  }

  async ask(form: InfoRequest): Promise<readonly string[]> {
    if (this.#open !== undefined) throw new HoldfastError('ERR_SSH_OPTION', 'ask() was called while a form is open')
    const wait = this.#port.waits.start<readonly string[]>({
      limit: 'prompt',
      limitMs: this.#limitMs,
      clock: 'call',
      phase: 'authentication',
      what: 'the answers to a form',
    })
    this.#open = { wait, prompts: form.prompts.length }
    if (wait.pending) this.#port.send(encodeInfoRequest(form))
    try {
      return await wait.promise
    } finally {
      this.#open = undefined
    }
  }

  receive(payload: Buffer): void {
    const responses = decodeInfoResponse(payload)
    const open = this.#open
    if (open === undefined || !open.wait.pending) throw breach('came and no form is open')
    if (responses.length !== open.prompts)
      throw breach(`has ${responses.length} responses, where ${open.prompts} were asked for`)
    open.wait.resolve(responses)
  }

  /** The client has sent another request: RFC 4252 section 5.1. */
  abandon(): void {
    if (this.#open === undefined) return
    this.#wasAbandoned = true
    this.#open.wait.reject(new HoldfastError('ERR_SSH_ABORTED', 'the client turned to another request'))
  }
}

function breach(problem: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `USERAUTH_INFO_RESPONSE ${problem}`, { phase: 'authentication' })
}
