import * as forward from '#src/wire/forward-messages.js'
import type { Decoder } from './decoders.js'

const to = { host: 'db.example.org', port: 5432 }
const originator = { host: '10.0.0.1', port: 4000 }
const opening = forward.encodeTcpOpening({ to, originator })

function decoder(name: string, decode: (bytes: Buffer) => unknown, sample: Buffer): Decoder {
  return { name, decode, samples: [sample], code: 'ERR_SSH_PROTOCOL', says: new RegExp(`^${name}: [a-z]`) }
}

/** What a peer says of forwards. */
export const forwardDecoders: readonly Decoder[] = [
  decoder('direct-tcpip channel', (bytes) => forward.decodeTcpOpening('direct-tcpip', bytes), opening),
  decoder('forwarded-tcpip channel', (bytes) => forward.decodeTcpOpening('forwarded-tcpip', bytes), opening),
  decoder('direct-streamlocal channel', forward.decodeDirectStreamlocal, forward.encodeDirectStreamlocal('/a')),
  decoder(
    'forwarded-streamlocal channel',
    forward.decodeForwardedStreamlocal,
    forward.encodeForwardedStreamlocal('/a'),
  ),
  decoder('tcpip-forward request', forward.decodeTcpForward, forward.encodeTcpForward(to)),
  decoder('answer to tcpip-forward', forward.decodeBoundPort, forward.encodeBoundPort(4711)),
  decoder('streamlocal-forward request', forward.decodeStreamlocalForward, forward.encodeStreamlocalForward('/a')),
]
