import { setImmediate as turn } from 'node:timers/promises'
import { HoldfastError } from 'holdfast'
import { ClientAuthentication, type ClientAuthenticationOptions } from '#src/auth/client.js'
import type { AuthPort } from '#src/auth/port.js'
import type { Signer } from '#src/auth/signer.js'
import { generatePrivateKey, type PrivateKey } from '#src/keys/private-key.js'
import { Deadlines } from '#src/liveness/deadlines.js'
import { Waits } from '#src/liveness/waits.js'
import { decodeUserauthRequest, type UserauthRequest } from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeServiceAccept } from '#src/wire/transport-messages.js'

/** One end of a connection in simulated time, with all that authentication needs of it. */
export class End {
  now = 0
  readonly deadlines = new Deadlines()
  readonly waits = new Waits(
    { now: () => this.now, lastTrafficAt: () => 0, errorDetails: () => ({ host: 'example.org' }) },
    this.deadlines,
  )
  readonly sent: Buffer[] = []
  sessionId = Buffer.alloc(32, 7)
  serverSigAlgs: readonly string[] | undefined
  /** How long each answer took, as the connection is told. */
  readonly tookMs: number[] = []
  deliver: (payload: Buffer) => void = () => {}

  readonly port: AuthPort = {
    send: (payload, taken) => {
      this.sent.push(payload)
      taken?.()
      this.deliver(payload)
    },
    sessionId: () => this.sessionId,
    serverSigAlgs: () => this.serverSigAlgs,
    waits: this.waits,
    answered: (tookMs) => this.tookMs.push(tookMs),
    errorDetails: () => ({ host: 'example.org' }),
  }

  /** Lets everything that is due in the next milliseconds happen. */
  async advance(milliseconds: number): Promise<void> {
    await turn()
    const until = this.now + milliseconds
    for (let next = this.deadlines.next(); next !== undefined && next <= until; next = this.deadlines.next()) {
      this.now = Math.max(this.now, next)
      this.deadlines.expire(this.now)
      await turn()
    }
    this.now = until
  }

  /** The requests that went out, decoded. */
  requests(): UserauthRequest[] {
    return this.sent.filter((payload) => payload[0] === messageNumber.USERAUTH_REQUEST).map(decodeUserauthRequest)
  }
}

/** What a scripted peer says to one message. */
export type Script = (request: UserauthRequest | undefined, payload: Buffer) => readonly Buffer[]

export const limits = { authentication: 20_000, agent: 5000, prompt: 120_000 } as const

export interface Run {
  readonly end: End
  readonly client: ClientAuthentication
  readonly done: Promise<void>
  /** Hands messages to the client as a connection does: a breach of the protocol ends it. */
  readonly hear: (...payloads: Buffer[]) => void
}

/**
 * Runs a client against a script. SERVICE_REQUEST is answered by itself, unless `service` says otherwise.
 */
export function runClient(
  options: Partial<ClientAuthenticationOptions>,
  script: Script,
  end = new End(),
  service: readonly Buffer[] = [encodeServiceAccept('ssh-userauth')],
): Run {
  const client = new ClientAuthentication(end.port, { username: 'deploy', ways: [], limits, ...options })
  const hear = (...payloads: Buffer[]) => {
    try {
      for (const payload of payloads) client.receive(payload)
    } catch (error) {
      end.waits.drain(error instanceof HoldfastError ? error : new HoldfastError('ERR_SSH_PROTOCOL', String(error)))
    }
  }
  end.deliver = (payload) => {
    if (payload[0] === messageNumber.SERVICE_REQUEST) hear(...service)
    else if (payload[0] === messageNumber.USERAUTH_REQUEST) hear(...script(decodeUserauthRequest(payload), payload))
    else hear(...script(undefined, payload))
  }
  const done = runExplained(client)
  done.catch(() => {})
  return { end, client, done, hear }
}

/** Runs it, and explains its end as the connection does. */
export async function runExplained(client: ClientAuthentication): Promise<void> {
  try {
    await client.run()
  } catch (error) {
    throw error instanceof HoldfastError ? client.explain(error) : error
  }
}

export const ed25519 = generatePrivateKey('ssh-ed25519')
export const ecdsa = generatePrivateKey('ecdsa-sha2-nistp256')

export function signerOf(key: PrivateKey, more: Partial<Signer> = {}): Signer {
  return {
    publicKey: key.publicKey,
    source: '~/.ssh/id',
    waitsOn: 'nothing',
    sign: async (algorithm, data) => key.sign(algorithm, data),
    ...more,
  }
}
