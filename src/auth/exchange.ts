import { HoldfastError } from '../errors.js'
import type { UserauthBanner, UserauthFailure } from '../wire/auth-messages.js'
import { decodeUserauthBanner, decodeUserauthFailure, decodeUserauthSuccess } from '../wire/auth-messages.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import { decodeServiceAccept, encodeServiceRequest } from '../wire/transport-messages.js'
import { type AuthPort, userauthService } from './port.js'

/** More banners than this before authentication ended are a flood: OpenSSH sends one, dropbear and PAM a few. */
const maxBanners = 100
/** All of them together: sshd loads no longer one. RFC 4252 section 5.4 bounds none, nor does OpenSSH's client. */
const maxBannerBytes = 1024 * 1024

export type Answer = { readonly answer: 'success' } | Failure
export type Failure = UserauthFailure & { readonly answer: 'failure' }

type Decoders<A> = ReadonlyMap<number, (payload: Buffer) => A>

export interface Question<A> {
  readonly payload: Buffer
  /** As an error is to say it: `the answer to the password`. */
  readonly what: string
  /** Which messages answer it, and how each is read. Any other is a breach of the protocol. */
  readonly answers: Decoders<A>
}

/** The refusal, which answers every request. */
export const failure: Decoders<Failure> = new Map([
  [messageNumber.USERAUTH_FAILURE, (payload: Buffer) => ({ answer: 'failure', ...decodeUserauthFailure(payload) })],
])

/** What answers a request that can complete the authentication. */
export const successOrFailure: Decoders<Answer> = new Map<number, (payload: Buffer) => Answer>([
  ...failure,
  [messageNumber.USERAUTH_SUCCESS, readSuccess],
])

function readSuccess(payload: Buffer): Answer {
  decodeUserauthSuccess(payload)
  return { answer: 'success' }
}

/**
 * Asks the peer one question at a time, the first one together with the request for the service that answers them. All its
 * waits together take no longer than the limit `authentication`; time between two questions, in which a person types or an
 * agent signs, is not the peer's and does not count.
 */
export class Exchange {
  readonly #port: AuthPort
  readonly #limitMs: number | false
  readonly #banner: (banner: UserauthBanner) => void
  #spentMs = 0
  #banners = 0
  #bannerBytes = 0
  #succeeded = false
  #service: 'unasked' | 'asked' | 'granted' = 'unasked'
  #take: ((payload: Buffer) => void) | undefined

  constructor(port: AuthPort, limitMs: number | false, banner: (banner: UserauthBanner) => void) {
    this.#port = port
    this.#limitMs = limitMs
    this.#banner = banner
  }

  get succeeded(): boolean {
    return this.#succeeded
  }

  ask<A>({ payload, what, answers }: Question<A>): Promise<A> {
    const wait = this.#port.waits.start<A>({
      limit: 'authentication',
      limitMs: this.#limitMs,
      spentMs: this.#spentMs,
      clock: 'answer',
      phase: 'authentication',
      what,
    })
    // Not pending: the connection is gone, and nothing may be sent on it.
    if (!wait.pending) return wait.promise
    this.#take = (answer) => {
      const decode = answers.get(answer[0] ?? 0)
      if (decode === undefined) throw unexpected(answer, `while ${what} was awaited`)
      wait.resolve(decode(answer))
      this.#port.answered(wait.spentMs - this.#spentMs)
      this.#spentMs = wait.spentMs
      this.#take = undefined
      this.#succeeded = answer[0] === messageNumber.USERAUTH_SUCCESS
    }
    this.requestService()
    this.#port.send(payload, () => wait.sent())
    return wait.promise
  }

  /** Takes SERVICE_ACCEPT and messages 50 to 79. Throws ERR_SSH_PROTOCOL for what was not asked for. */
  receive(payload: Buffer): void {
    if (payload[0] === messageNumber.SERVICE_ACCEPT) this.#receiveServiceAccept(payload)
    else if (this.#service !== 'granted') throw unexpected(payload, 'before SERVICE_ACCEPT')
    else if (payload[0] === messageNumber.USERAUTH_BANNER) this.#receiveBanner(payload)
    else if (this.#take === undefined) throw unexpected(payload, 'and nothing was asked')
    else this.#take(payload)
  }

  /**
   * RFC 4253 section 10. Nothing says that the first question must wait for the answer, which would cost a round
   * trip; OpenSSH, dropbear, asyncssh and paramiko take both at once. Only who waits for a banner before there is a
   * question asks for it alone.
   */
  requestService(): void {
    if (this.#service !== 'unasked') return
    this.#service = 'asked'
    this.#port.send(encodeServiceRequest(userauthService))
  }

  #receiveServiceAccept(payload: Buffer): void {
    const service = decodeServiceAccept(payload)
    if (this.#service !== 'asked') throw unexpected(payload, 'and nothing was asked')
    if (service !== userauthService) throw unexpected(payload, `for ${service}, where ${userauthService} was asked for`)
    this.#service = 'granted'
  }

  #receiveBanner(payload: Buffer): void {
    const banner = decodeUserauthBanner(payload)
    this.#banners++
    this.#bannerBytes += payload.length
    if (this.#banners > maxBanners) throw unexpected(payload, `more than ${maxBanners} times`)
    if (this.#bannerBytes > maxBannerBytes) throw unexpected(payload, `with more than ${maxBannerBytes} bytes in all`)
    this.#banner(banner)
  }
}

function unexpected(payload: Buffer, when: string): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `${messageName(payload[0] ?? 0)} came ${when}`, {
    phase: 'authentication',
  })
}
