import type { Random } from '../support/core/random.js'

/** Numbers around which lengths and counts break. */
const edges = [0, 1, 2, 4, 5, 255, 256, 32_768, 65_536, 262_144, 0x7fff_ffff, 0x8000_0000, 0xffff_fffb, 0xffff_ffff]

type Mutation = (bytes: Buffer, random: Random) => Buffer

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  return bytes
}

const setByte: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

/** A length or count that lies, wherever four bytes could be one. */
const setNumber: Mutation = (bytes, random) => {
  if (bytes.length < 4) return bytes
  bytes.writeUInt32BE(random.pick(edges), random.below(bytes.length - 3))
  return bytes
}

/** One that lies by little. */
const nudgeNumber: Mutation = (bytes, random) => {
  if (bytes.length < 4) return bytes
  const at = random.below(bytes.length - 3)
  bytes.writeUInt32BE((bytes.readUInt32BE(at) + random.pick([-4, -1, 1, 4])) >>> 0, at)
  return bytes
}

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(16)), bytes.subarray(at)])
}

const cutOut: Mutation = (bytes, random) => {
  const from = random.below(bytes.length)
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + random.below(16))])
}

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length))

const repeat: Mutation = (bytes, random) => {
  const from = random.below(bytes.length)
  const part = bytes.subarray(from, from + 1 + random.below(64))
  return Buffer.concat([bytes.subarray(0, from), part, part, bytes.subarray(from + part.length)])
}

const mutations: readonly Mutation[] = [flipBit, setByte, setNumber, nudgeNumber, insert, cutOut, truncate, repeat]

/** A copy with one to four things wrong with it. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated: Buffer = Buffer.from(bytes)
  for (let left = 1 + random.below(4); left > 0; left--) {
    mutated =
      mutated.length === 0 ? random.bytes(1 + random.below(8)) : Buffer.from(random.pick(mutations)(mutated, random))
  }
  return mutated
}
