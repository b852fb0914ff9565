import { createHash, verify } from 'node:crypto'
import type { Reader } from '../../wire/reader.js'
import { Writer } from '../../wire/writer.js'
import { encodePoint, nistp256, readPoint, readSignature } from './ecdsa.js'
import { readEd25519 } from './ed25519.js'
import { exactly } from './jwk.js'
import type { KeyType } from './key-type.js'

/*
 * Keys in FIDO hardware: OpenSSH's PROTOCOL.u2f. The hardware signs hashes together with flags (was it touched?) and a
 * counter, which the signature carries along. Both are signed; whether a touch is demanded is for the server to decide.
 */

export const skEd25519: KeyType = {
  name: 'sk-ssh-ed25519@openssh.com',
  signatureAlgorithms: ['sk-ssh-ed25519@openssh.com'],
  readPublic(reader) {
    const { point, key } = readEd25519(reader)
    const application = reader.string('application')
    return {
      bits: 256,
      fields: new Writer().string(point).string(application).finish(),
      verify(_algorithm, data, signature) {
        const bytes = exactly(signature, 64, 'signature')
        return verify(null, signedData(application, data, signature), key, bytes)
      },
    }
  },
}

export const skEcdsa: KeyType = {
  name: 'sk-ecdsa-sha2-nistp256@openssh.com',
  signatureAlgorithms: ['sk-ecdsa-sha2-nistp256@openssh.com'],
  readPublic(reader) {
    const { point, key } = readPoint(reader, nistp256)
    const application = reader.string('application')
    return {
      bits: 256,
      fields: new Writer().bytes(encodePoint(point, nistp256)).string(application).finish(),
      verify(_algorithm, data, signature) {
        const bytes = readSignature(signature, nistp256)
        const signed = signedData(application, data, signature)
        return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes)
      },
    }
  },
}

/** PROTOCOL.u2f, "SSH U2F signatures": the flags and the counter end the signature, and stand between the two hashes. */
function signedData(application: Buffer, data: Buffer, signature: Reader): Buffer {
  const flags = signature.byte('flags')
  const counter = signature.uint32('counter')
  signature.end()
  return new Writer(69).bytes(sha256(application)).byte(flags).uint32(counter).bytes(sha256(data)).finish()
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
