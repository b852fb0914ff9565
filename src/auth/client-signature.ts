import { HoldfastError } from '../errors.js'
import { signatureAlgorithm } from '../keys/signature.js'
import { waitForBystander } from './bystander.js'
import type { MethodContext } from './client-method.js'
import type { Signer } from './signer.js'

/**
 * Has `data` signed within the limits for agents and persons.
 * @throws HoldfastError when the limit came first, or the signature is by another algorithm; or whatever the signer throws
 */
export async function requestSignature(
  context: MethodContext,
  signer: Signer,
  algorithm: string,
  data: Buffer,
): Promise<Buffer> {
  const unwanted = new AbortController()
  const signature = await waitForSignature(context, signer, signer.sign(algorithm, data, unwanted.signal)).catch(
    (error: unknown) => {
      unwanted.abort(error)
      throw error
    },
  )
  const made = signatureAlgorithm(signature)
  if (made === algorithm) return signature
  // The peer would refuse it without a reason.
  const found = made ?? 'no algorithm that can be read'
  throw new HoldfastError('ERR_SSH_AGENT', `${signer.source} signed by ${found}, where ${algorithm} was asked for`)
}

/**
 * An agent that does not sign at once may be waiting for its owner to confirm. The agent protocol has no word for
 * that, so an agent that did answer when it listed its keys is given a person's time.
 */
async function waitForSignature(
  { port, limits, waiting }: MethodContext,
  { publicKey, source, waitsOn }: Signer,
  signing: Promise<Buffer>,
): Promise<Buffer> {
  const what = `the signature by ${publicKey.type} ${publicKey.fingerprint()} (${source})`
  const prompt = { limit: 'prompt', limitMs: limits.prompt, what } as const
  if (waitsOn === 'person') waiting({ on: 'person', what })
  if (waitsOn !== 'agent') return waitForBystander(port.waits, prompt, () => signing)
  try {
    return await waitForBystander(port.waits, { limit: 'agent', limitMs: limits.agent, what }, () => signing)
  } catch (error) {
    if (!isLimit(error, 'agent')) throw error
  }
  waiting({ on: 'agent', what })
  return waitForBystander(port.waits, prompt, () => signing)
}

export function isLimit(error: unknown, limit: 'agent' | 'prompt'): boolean {
  return error instanceof HoldfastError && error.code === 'ERR_SSH_TIMEOUT' && error.limit === limit
}
