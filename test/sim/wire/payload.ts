/** Reads a payload in order, with no code of the library: what it gets wrong there is to be seen here. */
export class Payload {
  readonly #bytes: Buffer
  #at = 1

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get number(): number {
    return this.#bytes[0] ?? 0
  }

  uint32(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  boolean(): boolean {
    this.#at += 1
    return this.#bytes[this.#at - 1] !== 0
  }

  text(): string {
    const size = this.uint32()
    this.#at += size
    return this.#bytes.toString('latin1', this.#at - size, this.#at)
  }

  rest(): string {
    return this.#bytes.toString('latin1', this.#at)
  }
}

/** RFC 4253 section 6, before any cipher: the payload of one packet; undefined for a line. */
export function payloadOf(packet: Buffer): Buffer | undefined {
  const length = packet.readUInt32BE(0)
  const padding = packet[4] ?? 0
  return length + 4 === packet.length ? packet.subarray(5, packet.length - padding) : undefined
}
