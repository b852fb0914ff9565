/** mlkem768x25519-sha256: draft-ietf-sshm-mlkem-hybrid-kex. Whoever breaks one of the two still lacks the other. */
import { createHash } from 'node:crypto'
import { ecdhMessages as messages } from '../../wire/kex-method-messages.js'
import { Writer } from '../../wire/writer.js'
import * as mlKem from './ml-kem-768.js'
import { type Agreement, refused, shareMethod } from './share-exchange.js'
import { agreeX25519, makeX25519Pair, x25519Bytes } from './x25519.js'

const initBytes = mlKem.publicKeyBytes + x25519Bytes
const replyBytes = mlKem.ciphertextBytes + x25519Bytes

const agreement: Agreement = {
  initiate(randomBytes) {
    const kem = mlKem.makeMlKemPair(randomBytes(mlKem.seedBytes))
    const classical = makeX25519Pair(randomBytes)
    return {
      share: Buffer.concat([kem.publicKey, classical.share]),
      finish(reply, field) {
        if (reply.length !== replyBytes)
          throw refused(field, `has ${reply.length} bytes, where ${replyBytes} are needed`)
        const classicalSecret = agreeX25519(classical.privateKey, reply.subarray(mlKem.ciphertextBytes), field)
        return combine(kem.decapsulate(reply.subarray(0, mlKem.ciphertextBytes)), classicalSecret)
      },
    }
  },

  respond(init, field, randomBytes) {
    if (init.length !== initBytes) throw refused(field, `has ${init.length} bytes, where ${initBytes} are needed`)
    const { ciphertext, secret } = encapsulate(
      init.subarray(0, mlKem.publicKeyBytes),
      field,
      randomBytes(mlKem.messageBytes),
    )
    const classical = makeX25519Pair(randomBytes)
    const classicalSecret = agreeX25519(classical.privateKey, init.subarray(mlKem.publicKeyBytes), field)
    return { share: Buffer.concat([ciphertext, classical.share]), secret: combine(secret, classicalSecret) }
  },
}

function encapsulate(publicKey: Buffer, field: string, message: Buffer): ReturnType<typeof mlKem.encapsulate> {
  try {
    return mlKem.encapsulate(publicKey, message)
  } catch {
    throw refused(field, 'holds no public key of ML-KEM-768')
  }
}

/** Section 2.4 of the draft: K is a hash of both secrets and, unlike every other method's, a string. */
function combine(kemSecret: Buffer, classicalSecret: Buffer): Buffer {
  const secret = createHash('sha256').update(kemSecret).update(classicalSecret).digest()
  return new Writer(40).string(secret).finish()
}

export const mlkem768X25519 = shareMethod({
  name: 'mlkem768x25519-sha256',
  hash: 'sha256',
  insecure: false,
  messages,
  agreement,
})
