import * as connection from '#src/wire/connection-messages.js'
import * as transport from '#src/wire/transport-messages.js'
import type { Random } from '../support/core/random.js'
import { wireDecoders } from './decoders.js'
import { mutate } from './mutate.js'

/** Cuts bytes into pieces of whatever size, as a network does. */
export function cutAnywhere(random: Random): (bytes: Buffer) => Buffer[] {
  const largest = random.pick([1, 3, 16, 100, 1500, 100_000])
  return (bytes) => {
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(largest)
      pieces.push(bytes.subarray(at, at + size))
      at += size
    }
    return pieces
  }
}

/** The same, and now and then a piece of it is altered, lost, doubled, or something is put in. `rarity`: once in so many. */
export function tamperWithBytes(random: Random, rarity: number): (bytes: Buffer) => Buffer[] {
  const cut = cutAnywhere(random)
  const tampered = (piece: Buffer): Buffer[] => {
    switch (random.below(5)) {
      case 0:
        return []
      case 1:
        return [piece, piece]
      case 2:
        return [random.bytes(1 + random.below(40)), piece]
      default:
        return [mutate(piece, random)]
    }
  }
  return (bytes) => {
    const altered = random.once(rarity) ? mutate(bytes, random) : bytes
    return cut(altered).flatMap((piece) => (random.once(rarity * 4) ? tampered(piece) : [piece]))
  }
}

const samples = wireDecoders.flatMap((decoder) => decoder.samples)

/** Payloads, before they are sealed: altered, lost, doubled, held until the next one, or others put in between. */
export function tamperWithPayloads(random: Random, rarity: number): (payload: Buffer) => Buffer[] {
  let kept: Buffer[] = []
  return (payload) => {
    if (!random.once(rarity)) {
      const all = [payload, ...kept]
      kept = []
      return all
    }
    switch (random.below(6)) {
      case 0:
        return []
      case 1:
        return [payload, payload]
      case 2:
        kept.push(payload)
        return []
      case 3:
        return [stray(random, [0, 1, 2, 3]), payload]
      default:
        return [notEmpty(mutate(payload, random))]
    }
  }
}

/**
 * A message that nobody expects now: any there is, or a well-formed one, which is more likely to be believed.
 * @param channels those that may well be open
 */
export function stray(random: Random, channels: readonly number[]): Buffer {
  const someChannel = () => (channels.length === 0 || random.once(100) ? random.below(5) : random.pick(channels))
  if (!random.once(100)) return random.pick(likely)(random, someChannel)
  const sample = random.pick(samples)
  return notEmpty(random.once(3) ? mutate(sample, random) : Buffer.from(sample))
}

const none = Buffer.alloc(0)
const someData = (random: Random): Buffer => Buffer.alloc(random.below(random.pick([1, 100, 3000])))

type SomeChannel = () => number

const likely: readonly ((random: Random, someChannel: SomeChannel) => Buffer)[] = [
  (random) => connection.encodeRequestSuccess(someData(random)),
  () => connection.encodeRequestFailure(),
  (random) => connection.encodeGlobalRequest('x@y', random.once(2), someData(random)),
  (_random, someChannel) => connection.encodeBareChannelMessage('CHANNEL_SUCCESS', someChannel()),
  (_random, someChannel) => connection.encodeBareChannelMessage('CHANNEL_FAILURE', someChannel()),
  (random, someChannel) => connection.encodeWindowAdjust(someChannel(), random.below(100_000)),
  (random, someChannel) => {
    const data = someData(random)
    return Buffer.concat([connection.encodeChannelDataHead(someChannel(), data.length), data])
  },
  (random, someChannel) => {
    const data = someData(random)
    return Buffer.concat([connection.encodeExtendedDataHead(someChannel(), random.below(3), data.length), data])
  },
  (random, someChannel) => {
    const request = { recipient: someChannel(), type: random.pick(['exit-status', 'exit-signal', 'x@y']) }
    return connection.encodeChannelRequest({ ...request, wantReply: random.once(2), data: someData(random) })
  },
  // Rarely: after it there is little that the channel may still hear.
  (random, someChannel) =>
    random.once(10)
      ? connection.encodeBareChannelMessage(random.once(2) ? 'CHANNEL_CLOSE' : 'CHANNEL_EOF', someChannel())
      : connection.encodeWindowAdjust(someChannel(), 1),
  (random) =>
    connection.encodeChannelOpen({ type: 'x11', sender: random.below(3), window: 100, maxPacket: 100, data: none }),
  (_random, someChannel) =>
    connection.encodeChannelOpenFailure({ recipient: someChannel(), reason: 1, description: 'no' }),
  () => transport.encodePing(none),
  () => transport.encodePong(none),
  () => transport.encodeIgnore(none),
  (random) => transport.encodeUnimplemented(random.below(20)),
  (random) => Buffer.of(128 + random.below(64)),
]

/** An empty payload cannot be sealed by a packet that means well; it has a test of its own. */
function notEmpty(payload: Buffer): Buffer {
  return payload.length === 0 ? Buffer.of(0) : payload
}
