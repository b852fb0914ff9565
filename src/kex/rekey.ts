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

export class RekeyDue {
  readonly #asked: number
  #bytes: number

  constructor(limits: RekeyLimits) {
    this.#asked = limits.bytes
    this.#bytes = limits.bytes
  }

  /** What the ciphers in use can bear. */
  setCipherLimit(bytes: number): void {
    this.#bytes = Math.min(this.#asked, bytes)
  }

  isDue({ bytesUnderKeys, packetsUnderKeys }: Usage): boolean {
    return bytesUnderKeys >= this.#bytes || packetsUnderKeys >= maxPackets
  }
}
