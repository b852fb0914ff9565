import type { Attempts } from './attempts.js'
import type { Answer, Exchange } from './exchange.js'
import type { AuthLimits, AuthPort } from './port.js'

/**
 * What came of one attempt. `given-up`: it ended on this side, before the peer was asked or while it waited for us; a
 * new request abandons whatever the peer had begun (RFC 4252 section 5.1).
 */
export type Outcome = Answer | { readonly answer: 'given-up' }

export const givenUp: Outcome = { answer: 'given-up' }

/** One method of authentication, with what the caller gave for it. */
export interface ClientMethod {
  readonly name: string
  /** False once there is nothing left to try. */
  readonly left: boolean
  /** Whether the first attempt asks something of a person before the peer is asked anything. */
  readonly asksFirst: boolean
  attempt(): Promise<Outcome>
  /** The last attempt was made before the peer said what it offers, and it did not offer this: it may be made again. */
  undo(): void
}

/** What all methods of one authentication share. */
export interface MethodContext {
  readonly username: string
  readonly service: string
  readonly port: AuthPort
  readonly exchange: Exchange
  readonly attempts: Attempts
  readonly limits: AuthLimits
  readonly waiting: (waiting: Waiting) => void
}

/** A person is waited for, or an agent that may be waiting for one. */
export interface Waiting {
  readonly on: 'person' | 'agent'
  /** `the signature by ssh-ed25519 SHA256:… (agent)` */
  readonly what: string
}
