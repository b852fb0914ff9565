import type { PrivateKey } from '#src/keys/private-key.js'
import { type PublicKey, parsePublicKey } from '#src/keys/public-key.js'
import { Writer } from '#src/wire/writer.js'

/** A user certificate for a key, without limits: OpenSSH's PROTOCOL.certkeys. */
export function certify(key: PublicKey, authority: PrivateKey): PublicKey {
  const fields = key.plainBlob.subarray(4 + key.plainType.length)
  const signed = new Writer()
    .string(`${key.plainType}-cert-v01@openssh.com`)
    .string(Buffer.alloc(32, 1))
    .bytes(fields)
    .uint64(1n)
    .uint32(1)
    .string('test')
    .string('')
    .uint64(0n)
    .uint64(0xffff_ffff_ffff_ffffn)
    .string('')
    .string('')
    .string('')
    .string(authority.publicKey.blob)
    .finish()
  const [algorithm = ''] = authority.publicKey.signatureAlgorithms
  const signature = authority.sign(algorithm, signed)
  return parsePublicKey(new Writer().bytes(signed).string(signature).finish())
}
