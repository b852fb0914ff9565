import { isKexMethodNumber, messageName, messageNumber } from '#src/wire/numbers.js'
import { probeIn } from './purpose.js'

/**
 * What a server may ask of the order in which a client speaks: in a key exchange nothing else is sent between KEXINIT and
 * NEWKEYS (RFC 4253 section 7.1; OpenSSH ends the connection, or drops a PING), no probe before authentication, and nothing
 * on a channel behind our CLOSE (RFC 4254 section 5.3; OpenSSH ends the connection).
 */
export class Manners {
  /** The first that broke them. */
  complaint: string | undefined
  #inExchange = false
  #isAuthenticated = false
  /** By the server's number, which it gives to no other channel. */
  readonly #closed = new Set<number>()

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
    else if (isOfChannel(number)) this.#heardOn(payload.readUInt32BE(1), number)
  }

  #heardOn(channel: number, number: number): void {
    if (this.#closed.has(channel)) this.complaint ??= `${messageName(number)} came for a channel behind its CLOSE`
    if (number === messageNumber.CHANNEL_CLOSE) this.#closed.add(channel)
  }
}

function isOfChannel(number: number): boolean {
  return number >= messageNumber.CHANNEL_WINDOW_ADJUST && number <= messageNumber.CHANNEL_FAILURE
}
