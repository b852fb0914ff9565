import { createHash } from 'node:crypto'
import { HoldfastError } from '../errors.js'
import { type Call, orFalseNow } from './answer.js'
import { intArgument } from './arguments.js'
import { SSH2_FINGERPRINT_MD5, SSH2_FINGERPRINT_RAW, SSH2_FINGERPRINT_SHA1 } from './constants.js'
import { peerOf, type Ssh2Session } from './session.js'

/** What both sides agreed on, as `ssh2_methods_negotiated()` gives it. */
export interface MethodsNegotiated {
  readonly kex: string
  readonly hostkey: string
  readonly client_to_server: DirectionMethods
  readonly server_to_client: DirectionMethods
}

export interface DirectionMethods {
  readonly crypt: string
  /** Empty where the cipher needs none. */
  readonly mac: string
  readonly comp: string
  readonly lang: string
}

/** The fingerprint of the host key: hex digits in capitals, or with SSH2_FINGERPRINT_RAW its bytes. @throws TypeError */
export function ssh2_fingerprint(session: Ssh2Session, flags = SSH2_FINGERPRINT_MD5): string | Buffer | false {
  const name = 'ssh2_fingerprint'
  const wanted = intArgument([name, 2, 'flags'], flags)
  const peer = peerOf(name, session)
  return orFalseNow({ name, of: [session] }, () => {
    const { hostKey } = peer
    if (hostKey === undefined) throw unknown('fingerprint')
    const hash = createHash((wanted & SSH2_FINGERPRINT_SHA1) === 0 ? 'md5' : 'sha1').update(hostKey)
    return (wanted & SSH2_FINGERPRINT_RAW) === 0 ? hash.digest('hex').toUpperCase() : hash.digest()
  })
}

/** The algorithms of a session. @throws TypeError */
export function ssh2_methods_negotiated(session: Ssh2Session): MethodsNegotiated | false {
  const name = 'ssh2_methods_negotiated'
  const call: Call = { name, of: [session] }
  const peer = peerOf(name, session)
  return orFalseNow(call, () => {
    const { negotiated } = peer.link.connection
    if (negotiated === undefined) throw unknown('methods')
    const { kex, serverHostKey, clientToServer, serverToClient } = negotiated
    const direction = ({ cipher, mac }: typeof clientToServer) => ({
      crypt: cipher,
      mac: mac ?? '',
      comp: 'none',
      lang: '',
    })
    return {
      kex,
      hostkey: serverHostKey,
      client_to_server: direction(clientToServer),
      server_to_client: direction(serverToClient),
    }
  })
}

function unknown(what: string): HoldfastError {
  return new HoldfastError('ERR_SSH_CLOSED', `Unable to retrieve ${what} from specified session`, {
    phase: 'keyExchange',
  })
}
