import { isKexMethodNumber, messageName, messageNumber } from '#src/wire/numbers.js'
import { probeIn } from './purpose.js'

/**
 * What a server may ask of the order in which a client speaks: in a key exchange nothing else is sent between KEXINIT and
 * NEWKEYS (RFC 4253 section 7.1; OpenSSH ends the connection, or drops a PING), and no probe before authentication.
 */
export class Manners {
  /** The first that broke them. */
  complaint: string | undefined
  #inExchange = false
  #isAuthenticated = false

  authenticated(): void {
    this.#isAuthenticated = true
  }

  heard(payload: Buffer): void {
    const number = payload.readUInt8(0)
    if (number === messageNumber.KEXINIT) this.#inExchange = true
    else if (number === messageNumber.NEWKEYS) this.#inExchange = false
    else if (this.#inExchange && number > messageNumber.DEBUG && !isKexMethodNumber(number))
      this.complaint ??= `${messageName(number)} came between KEXINIT and NEWKEYS`
    else if (!this.#isAuthenticated && probeIn(payload) !== undefined)
      this.complaint ??= `${messageName(number)} came before the user was authenticated`
  }
}
