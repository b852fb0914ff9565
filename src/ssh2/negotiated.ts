import type { NegotiatedAlgorithms } from '../kex/negotiation.js'

/** One direction of a connection, as the event `handshake` tells of it. */
export interface HandshakeDirection {
  readonly cipher: string
  /** Empty for ciphers that need none. */
  readonly mac: string
  readonly compress: string
  readonly lang: string
}

export interface Handshake {
  readonly kex: string
  readonly serverHostKey: string
  /** From client to server. */
  readonly cs: HandshakeDirection
  readonly sc: HandshakeDirection
}

export function negotiatedAlgorithms(negotiated: NegotiatedAlgorithms): Handshake {
  const { kex, serverHostKey, clientToServer, serverToClient } = negotiated
  return { kex, serverHostKey, cs: direction(clientToServer), sc: direction(serverToClient) }
}

function direction({ cipher, mac }: NegotiatedAlgorithms['clientToServer']): HandshakeDirection {
  return { cipher, mac: mac ?? '', compress: 'none', lang: '' }
}
