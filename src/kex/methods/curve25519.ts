/** RFC 8731: X25519, its result hashed as an mpint. */
import { ecdhMessages as messages } from '../../wire/kex-method-messages.js'
import { mpintSecret, shareMethod, symmetric } from './share-exchange.js'
import { agreeX25519, makeX25519Pair } from './x25519.js'

const agreement = symmetric((randomBytes) => {
  const { privateKey, share } = makeX25519Pair(randomBytes)
  return { share, finish: (peer, field) => mpintSecret(agreeX25519(privateKey, peer, field)) }
})

const method = (name: string) => shareMethod({ name, hash: 'sha256', insecure: false, messages, agreement })

export const curve25519 = method('curve25519-sha256')
/** The name it had before RFC 8731. */
export const curve25519Libssh = method('curve25519-sha256@libssh.org')
