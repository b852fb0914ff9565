import type { HostKeySigner, HostKeyVerifier } from '#src/kex/host-key.js'
import { mpintSecret, shareMethod } from '#src/kex/methods/share-exchange.js'
import { kexMethods } from '#src/kex/methods.js'
import type { CipherSpec, DirectionKeys, Opener, Sealer } from '#src/transport/cipher.js'
import { ciphers } from '#src/transport/ciphers.js'
import { wrongMac } from '#src/transport/mac.js'
import { ecdhMessages as messages } from '#src/wire/kex-method-messages.js'
import { uint32At } from '#src/wire/uint32.js'
import { hostKey } from '../../support/core/options.js'

/**
 * Cryptography that protects nothing: it tells two keys, two packets and two exchanges apart, and no more. The real one
 * costs more than everything else in a session; all around it is the same, and some sessions use the real one.
 */
export const quick = 'quick@sim'

const shareBytes = 32
const tagBytes = 16
const lengthBytes = 4

const method = shareMethod({
  name: quick,
  hash: 'sha256',
  insecure: true,
  messages,
  agreement: {
    initiate: (randomBytes) => {
      const share = randomBytes(shareBytes)
      return { share, finish: (peer) => secretOf(share, peer) }
    },
    respond: (clientShare, _field, randomBytes) => {
      const share = randomBytes(shareBytes)
      return { share, secret: secretOf(clientShare, share) }
    },
  },
})

function secretOf(client: Buffer, server: Buffer): Buffer {
  return mpintSecret(Buffer.concat([client, server]))
}

const cipher: CipherSpec = {
  name: quick,
  keyBytes: 16,
  ivBytes: 12,
  blockSize: 16,
  aead: true,
  insecure: true,
  rekeyBytes: 2 ** 40,
  sealer: (keys) => quickSealer(keys),
  opener: (keys) => quickOpener(keys),
}

function quickSealer(keys: DirectionKeys): Sealer {
  return {
    blockSize: 16,
    lengthInPadding: false,
    tagBytes,
    seal: (sequence, packet, out) => out.push(Buffer.from(packet), tagOf(keys, sequence, packet.length)),
  }
}

function quickOpener(keys: DirectionKeys): Opener {
  return {
    blockSize: 16,
    headBytes: lengthBytes,
    lengthInPadding: false,
    tagBytes,
    lengthField: 'clear',
    length: (_sequence, head) => uint32At(head, 0),
    open: (sequence, packet) => {
      const end = packet.length - tagBytes
      if (!tagOf(keys, sequence, end).equals(packet.subarray(end))) throw wrongMac(sequence)
      return Buffer.from(packet.subarray(lengthBytes, end))
    },
  }
}

function tagOf({ key }: DirectionKeys, sequence: number, size: number): Buffer {
  const tag = Buffer.allocUnsafe(tagBytes)
  key.copy(tag, 0, 0, 8)
  tag.writeUInt32BE(sequence, 8)
  tag.writeUInt32BE(size, 12)
  return tag
}

/** Who signs with the hash itself, so that two different hashes still do not pass. */
export const quickSigner: HostKeySigner = {
  algorithms: ['ssh-ed25519'],
  hostKey: () => hostKey.publicKey.blob,
  sign: (_algorithm, hash) => hash,
}

export const quickVerifier: HostKeyVerifier = {
  check: ({ exchangeHash, signature }) => {
    if (!signature.equals(exchangeHash)) throw new RangeError('the two sides have different exchange hashes')
  },
  trust: () => Promise.resolve(),
}

/** Makes it known to both roles, in this process. */
export function knowQuick(): void {
  if (kexMethods instanceof Map) kexMethods.set(quick, method)
  if (ciphers instanceof Map) ciphers.set(quick, cipher)
}
