/** RFC 8731: X25519, its result hashed as an mpint. */
import { Writer } from '../../wire/writer.js'
import { type Agreement, shareExchange } from './share-exchange.js'
import { agree, makePair } from './x25519.js'

function agreement(name: string): Agreement {
  return {
    initiate(randomBytes) {
      const { privateKey, share } = makePair(randomBytes)
      return { share, finish: (peer) => mpint(agree(privateKey, peer, `${name}: Q_S`)) }
    },
    respond(peer, randomBytes) {
      const { privateKey, share } = makePair(randomBytes)
      return { share, secret: mpint(agree(privateKey, peer, `${name}: Q_C`)) }
    },
  }
}

const mpint = (magnitude: Buffer): Buffer => new Writer(40).mpint(magnitude).finish()

const method = (name: string) => shareExchange(name, 'sha256', agreement(name))

export const curve25519 = method('curve25519-sha256')
/** The name it had before RFC 8731. */
export const curve25519Libssh = method('curve25519-sha256@libssh.org')
