/** Reads one field after the other (RFC 4251 section 5). */
export class Fields {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  uint32(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  string(): Buffer {
    const length = this.uint32()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

/** A uint32, without the checks of Buffer's own method. */
export function uint32(bytes: Uint8Array, at: number): number {
  const [high = 0, second = 0, third = 0, low = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return ((high << 24) | (second << 16) | (third << 8) | low) >>> 0
}

/** A Buffer or a text is a string, a number a uint32, a truth one byte. */
export type Field = Buffer | string | number | boolean

/** @returns where it ends */
export function writeFields(out: Buffer, start: number, fields: readonly Field[]): number {
  let at = start
  for (const field of fields) {
    if (typeof field === 'number') at = out.writeUInt32BE(field, at)
    else if (typeof field === 'boolean') at = out.writeUInt8(field ? 1 : 0, at)
    else {
      const length = typeof field === 'string' ? out.write(field, at + 4) : field.copy(out, at + 4)
      at = out.writeUInt32BE(length, at) + length
    }
  }
  return at
}

/** The same in memory of its own. */
export function fieldsOf(...fields: readonly Field[]): Buffer {
  const scratch = Buffer.allocUnsafeSlow(4096)
  return scratch.subarray(0, writeFields(scratch, 0, fields))
}
