import type { Deadline, Deadlines } from '../liveness/deadlines.js'
import type { Environment } from '../liveness/environment.js'
import { ciphers } from '../transport/ciphers.js'
import type { Negotiated } from './negotiation.js'

/** When keys are exchanged anew, whichever comes first (RFC 4253 section 9, RFC 4344 section 3). */
export interface RekeyLimits {
  readonly bytes: number
  readonly ms: number
}

/** RFC 4344 section 3.1: sequence numbers must not come round under one key. */
const maxPackets = 2 ** 31

export interface Usage {
  readonly bytesUnderKeys: number
  readonly packetsUnderKeys: number
}

export interface RekeyOptions {
  readonly environment: Environment
  readonly deadlines: Deadlines
  readonly rekey: RekeyLimits
}

/** Since when the keys are in use, and how long they may be. */
export class RekeyDue {
  readonly #options: RekeyOptions
  readonly #expired: () => void
  #bytes: number
  #deadline: Deadline | undefined

  /** @param expired the keys have been in use for as long as they may be */
  constructor(options: RekeyOptions, expired: () => void) {
    this.#options = options
    this.#expired = expired
    this.#bytes = options.rekey.bytes
  }

  /** New keys are in use, with ciphers that bear so much. */
  begin({ clientToServer, serverToClient }: Negotiated): void {
    const { environment, deadlines, rekey } = this.#options
    const bytes = [clientToServer, serverToClient].map(({ cipher }) => ciphers.get(cipher)?.rekeyBytes ?? rekey.bytes)
    this.#bytes = Math.min(rekey.bytes, ...bytes)
    this.#deadline?.cancel()
    this.#deadline = deadlines.add(environment.now() + rekey.ms, this.#expired)
  }

  stop(): void {
    this.#deadline?.cancel()
  }

  /** Asked for each packet that goes out, and for each read. */
  isDue(inbound: Usage, outbound: Usage): boolean {
    const bytes = this.#bytes
    if (inbound.bytesUnderKeys >= bytes || outbound.bytesUnderKeys >= bytes) return true
    return inbound.packetsUnderKeys >= maxPackets || outbound.packetsUnderKeys >= maxPackets
  }
}
