import type { AuthPort } from '../auth/port.js'
import { userauthService } from '../auth/port.js'
import { HoldfastError } from '../errors.js'
import { decodeUserauthBanner } from '../wire/auth-messages.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import { encodeServiceRequest } from '../wire/transport-messages.js'

/** As many as OpenSSH, dropbear and PAM send together, by far. */
const maxBanners = 100

/**
 * Asks for authentication before anybody says how to log in, as ssh2 does: the banner that comes with the answer can be
 * what a program waits for. The answer goes to whoever asks the first question, which then need not ask for the service.
 */
export class ServiceRequest {
  readonly #port: AuthPort
  readonly #banner: (message: string) => void
  #take: ((payload: Buffer) => void) | undefined
  #accepted: Buffer | undefined
  #banners = 0

  constructor(port: AuthPort, banner: (message: string) => void) {
    this.#port = port
    this.#banner = banner
  }

  send(): void {
    this.#port.send(encodeServiceRequest(userauthService))
  }

  /** @param take gets what comes, once it has asked for the service itself */
  portFor(take: (payload: Buffer) => void): AuthPort {
    const send: AuthPort['send'] = (payload, taken) => {
      if (payload[0] !== messageNumber.SERVICE_REQUEST) return this.#port.send(payload, taken)
      this.#take = take
      if (this.#accepted !== undefined) take(this.#accepted)
    }
    const port = this.#port
    return {
      send,
      waits: port.waits,
      sessionId: () => port.sessionId(),
      serverSigAlgs: () => port.serverSigAlgs(),
      answered: (tookMs) => port.answered(tookMs),
      errorDetails: () => port.errorDetails(),
    }
  }

  receive(payload: Buffer): void {
    if (this.#take !== undefined) this.#take(payload)
    else if (payload[0] === messageNumber.SERVICE_ACCEPT && this.#accepted === undefined)
      this.#accepted = Buffer.from(payload)
    else if (payload[0] === messageNumber.USERAUTH_BANNER && this.#accepted !== undefined) this.#bannerCame(payload)
    else throw unasked(payload)
  }

  #bannerCame(payload: Buffer): void {
    this.#banners++
    if (this.#banners > maxBanners) throw unasked(payload)
    this.#banner(decodeUserauthBanner(payload).message)
  }
}

function unasked(payload: Buffer): HoldfastError {
  return new HoldfastError('ERR_SSH_PROTOCOL', `${messageName(payload[0] ?? 0)} came before anything was asked`, {
    phase: 'authentication',
  })
}
