/** One key exchange by curve25519-sha256 (RFC 8731), whose host key nobody looks at, and the first keys. */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { Fields, fieldsOf } from './fields.js'
import { Opener, Sealer } from './frame.js'

export const identification = 'SSH-2.0-bare_loop'

/** SubjectPublicKeyInfo of an X25519 key (RFC 8410 section 4), up to its 32 bytes. */
const spkiHead = Buffer.from('302a300506032b656e032100', 'hex')

export interface Keys {
  readonly sessionId: Buffer
  readonly sealer: Sealer
  readonly opener: Opener
}

/** The payload of our KEXINIT: one name for each algorithm. */
export function kexInit(cipher: string): Buffer {
  const [kex, hostKey, mac, compression] = ['curve25519-sha256', 'ssh-ed25519', 'hmac-sha2-256', 'none']
  const names = [kex, hostKey, cipher, cipher, mac, mac, compression, compression, '', '']
  return Buffer.concat([Buffer.from([20]), Buffer.alloc(16), fieldsOf(...names, false, 0)])
}

export class KeyExchange {
  readonly #ours: Buffer
  readonly #pair = generateKeyPairSync('x25519')
  readonly #public: Buffer
  /** Theirs, as they came. */
  identification = ''
  theirs: Buffer = Buffer.alloc(0)

  constructor(ours: Buffer) {
    this.#ours = ours
    this.#public = this.#pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiHead.length)
  }

  get ephemeral(): Buffer {
    return this.#public
  }

  /** @param reply the payload of SSH_MSG_KEX_ECDH_REPLY */
  finish(reply: Buffer): Keys {
    const fields = new Fields(reply, 1)
    const [hostKey, theirPublic] = [fields.string(), fields.string()]
    const publicKey = createPublicKey({ key: Buffer.concat([spkiHead, theirPublic]), format: 'der', type: 'spki' })
    const secret = fieldsOf(positive(diffieHellman({ privateKey: this.#pair.privateKey, publicKey })))
    const all = [identification, this.identification, this.#ours, this.theirs, hostKey, this.#public, theirPublic]
    const sessionId = sha256(fieldsOf(...all), secret)
    const key = (letter: string): Buffer => sha256(secret, sessionId, Buffer.from(letter), sessionId)
    return {
      sessionId,
      sealer: new Sealer(key('C').subarray(0, 16), key('A').subarray(0, 12)),
      opener: new Opener(key('D').subarray(0, 16), key('B').subarray(0, 12)),
    }
  }
}

/** An mpint: without zeros in front, but for one that keeps it from being negative. */
function positive(bytes: Buffer): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0)
  const short = bytes.subarray(from)
  return (short[0] ?? 0) < 0x80 ? short : Buffer.concat([Buffer.alloc(1), short])
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
