import { createHash } from 'node:crypto'
import type { DirectionKeys } from '../transport/cipher.js'
import { ciphers } from '../transport/ciphers.js'
import { macs } from '../transport/macs.js'
import { Writer } from '../wire/writer.js'
import type { DirectionAlgorithms } from './negotiation.js'

export interface HashInput {
  readonly clientIdentification: Buffer
  readonly serverIdentification: Buffer
  readonly clientInit: Buffer
  readonly serverInit: Buffer
  readonly hostKey: Buffer
  /** What the method adds between host key and secret, encoded. */
  readonly methodFields: Buffer
  /** The shared secret, encoded. */
  readonly secret: Buffer
}

/** The exchange hash H of RFC 4253 section 8. */
export function exchangeHash(hash: string, input: HashInput): Buffer {
  const fields = new Writer(8192)
    .string(input.clientIdentification)
    .string(input.serverIdentification)
    .string(input.clientInit)
    .string(input.serverInit)
    .string(input.hostKey)
    .bytes(input.methodFields)
    .bytes(input.secret)
  return createHash(hash).update(fields.finish()).digest()
}

export interface KeySource {
  readonly hash: string
  readonly secret: Buffer
  readonly exchangeHash: Buffer
  readonly sessionId: Buffer
}

/** RFC 4253 section 7.2: which letter stands for which key of which direction. */
const letters = {
  clientToServer: { iv: 'A', key: 'C', macKey: 'E' },
  serverToClient: { iv: 'B', key: 'D', macKey: 'F' },
} as const

export type Direction = keyof typeof letters

export function deriveKeys(source: KeySource, direction: Direction, algorithms: DirectionAlgorithms): DirectionKeys {
  const cipher = ciphers.get(algorithms.cipher)
  const mac = algorithms.mac === undefined ? undefined : macs.get(algorithms.mac)
  const letter = letters[direction]
  return {
    iv: deriveKey(source, letter.iv, cipher?.ivBytes ?? 0),
    key: deriveKey(source, letter.key, cipher?.keyBytes ?? 0),
    macKey: deriveKey(source, letter.macKey, mac?.keyBytes ?? 0),
  }
}

function deriveKey({ hash, secret, exchangeHash: h, sessionId }: KeySource, letter: string, size: number): Buffer {
  let key = createHash(hash).update(secret).update(h).update(letter).update(sessionId).digest()
  while (key.length < size) {
    const more = createHash(hash).update(secret).update(h).update(key).digest()
    key = Buffer.concat([key, more])
  }
  return key.subarray(0, size)
}
