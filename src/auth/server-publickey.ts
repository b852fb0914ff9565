import { type PublicKey, parsePublicKey } from '../keys/public-key.js'
import { encodeSignedData, type PublicKeyRequest, type UserauthRequest } from '../wire/auth-messages.js'
import type { PublicKeyAttempt } from './server-attempt.js'
import { requestAlgorithm, usableAlgorithms } from './signer.js'

/**
 * RFC 4252 section 7.
 * @returns undefined for a key that cannot be read, an algorithm that is not taken, or a signature that is wrong
 */
export function examineKey(
  request: UserauthRequest & PublicKeyRequest,
  sessionId: Buffer,
  allowed: readonly string[] | undefined,
): PublicKeyAttempt | undefined {
  const key = readKey(request.key)
  if (key === undefined) return undefined
  const algorithm = usableAlgorithms(key, allowed).find((name) => requestAlgorithm(key, name) === request.algorithm)
  if (algorithm === undefined) return undefined
  const { username, method, signature } = request
  if (signature === undefined) return { username, method, key, proved: false }
  const isRight = key.verify(algorithm, encodeSignedData(sessionId, request), signature)
  return isRight ? { username, method, key, proved: true } : undefined
}

function readKey(blob: Buffer): PublicKey | undefined {
  try {
    return parsePublicKey(blob)
  } catch {
    return undefined
  }
}
