/** ECDH over the NIST curves: RFC 5656 section 4. */
import { createECDH, type ECDH } from 'node:crypto'
import { ecdhMessages as messages } from '../../wire/kex-method-messages.js'
import type { KexMethod, RandomBytes } from '../method.js'
import { mpintSecret, refused, shareMethod, symmetric } from './share-exchange.js'

interface Curve {
  readonly opensslName: string
  readonly fieldBytes: number
  /** The order of the base point (FIPS 186-4 appendix D.1.2). */
  readonly order: bigint
}

const p256: Curve = {
  opensslName: 'prime256v1',
  fieldBytes: 32,
  order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}

const p384: Curve = {
  opensslName: 'secp384r1',
  fieldBytes: 48,
  order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
}

const p521: Curve = {
  opensslName: 'secp521r1',
  fieldBytes: 66,
  order:
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

const agreement = (curve: Curve) =>
  symmetric((randomBytes) => {
    const key = createECDH(curve.opensslName)
    key.setPrivateKey(makeScalar(curve, randomBytes))
    return { share: key.getPublicKey(), finish: (peer, field) => mpintSecret(agree(curve, key, peer, field)) }
  })

/** FIPS 186-5 appendix A.2.1: eight bytes more than needed, so that the remainder shows no bias. */
function makeScalar({ fieldBytes, order }: Curve, randomBytes: RandomBytes): Buffer {
  const candidate = BigInt(`0x${randomBytes(fieldBytes + 8).toString('hex')}`)
  const scalar = (candidate % (order - 1n)) + 1n
  return Buffer.from(scalar.toString(16).padStart(fieldBytes * 2, '0'), 'hex')
}

/** Every point on these curves but infinity is in the group, so being on the curve is all there is to check. */
function agree({ fieldBytes }: Curve, key: ECDH, peer: Buffer, field: string): Buffer {
  if (peer.length !== 1 + 2 * fieldBytes || peer[0] !== 4)
    throw refused(field, 'is not an uncompressed point of the curve')
  try {
    return key.computeSecret(peer)
  } catch {
    throw refused(field, 'is not a point of the curve')
  }
}

function method(name: string, hash: KexMethod['hash'], curve: Curve): KexMethod {
  return shareMethod({ name, hash, insecure: false, messages, agreement: agreement(curve) })
}

export const ecdhNistp256 = method('ecdh-sha2-nistp256', 'sha256', p256)
export const ecdhNistp384 = method('ecdh-sha2-nistp384', 'sha384', p384)
export const ecdhNistp521 = method('ecdh-sha2-nistp521', 'sha512', p521)
