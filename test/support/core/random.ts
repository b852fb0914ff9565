/** Numbers that look random and come again with the same seed (xorshift128, Marsaglia 2003), so that a failure can be replayed. */
export class Random {
  readonly seed: number
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    this.seed = seed >>> 0
    let value = this.seed
    for (let index = 0; index < 4; index++) {
      // SplitMix32, so that neighbouring seeds begin far apart.
      value = (value + 0x9e3779b9) >>> 0
      let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
      this.#state[index] = (mixed ^ (mixed >>> 16)) >>> 0
    }
  }

  /** 0 to 2^32 - 1. */
  word(): number {
    const [x = 0, y = 0, z = 0, w = 0] = this.#state
    const mixed = (x ^ (x << 11)) >>> 0
    const next = (w ^ (w >>> 19) ^ mixed ^ (mixed >>> 8)) >>> 0
    this.#state.set([y, z, w, next])
    return next
  }

  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    return this.word() % limit
  }

  /** True once in `times` draws. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new RangeError('there is nothing to pick from')
    return value
  }

  readonly bytes = (size: number): Buffer => {
    const bytes = Buffer.allocUnsafe(size)
    for (let index = 0; index < size; index += 4) {
      const word = this.word()
      for (let part = 0; part < 4 && index + part < size; part++) bytes[index + part] = word >>> (8 * part)
    }
    return bytes
  }
}
