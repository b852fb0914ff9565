import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { ClientDone, KexMethod, RandomBytes, ServerDone } from '#src/kex/method.js'

/** A source of bytes that are the same for the same seed. */
export function seeded(seed: string): RandomBytes {
  let call = 0
  return (size) => createHash('shake256', { outputLength: size }).update(`${seed} ${call++}`).digest()
}

export interface Outcome {
  readonly client: ClientDone
  readonly server: ServerDone
  /** Every message, in the order sent. */
  readonly wire: readonly Buffer[]
}

export const hostKey = Buffer.from('host key blob')
export const signature = Buffer.from('signature blob')

/** Runs both sides of a method against each other. */
export function exchange(method: KexMethod, clientRandom = seeded('client'), serverRandom = seeded('server')): Outcome {
  const client = method.client(clientRandom)
  const server = method.server(serverRandom)
  const wire = [client.start()]
  for (let message = wire[0]; message !== undefined; ) {
    const step = server.receive(message)
    const payload = step.step === 'done' ? step.reply(hostKey, signature) : step.payload
    wire.push(payload)
    const answer = client.receive(payload)
    if (answer.step === 'done') {
      assert.equal(step.step, 'done')
      if (step.step === 'done') return { client: answer, server: step, wire }
      break
    }
    wire.push(answer.payload)
    message = answer.payload
  }
  return assert.fail('the exchange did not end')
}
