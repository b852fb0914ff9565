import type { AuthPort } from '../auth/port.js'
import type { ErrorDetails, HoldfastError } from '../errors.js'
import { protocolError } from '../kex/exchange.js'
import type { Transport } from '../kex/transport.js'
import type { Keepalive } from '../liveness/keepalive.js'
import type { Waits } from '../liveness/waits.js'
import { messageName, messageNumber } from '../wire/numbers.js'
import type { Mux } from './mux.js'

/** Authentication, in either role: it is asked for once the keys are in use, and gets SERVICE_ and USERAUTH_ messages. */
export interface Authenticator {
  run(): Promise<unknown>
  receive(payload: Buffer): void
  /** Says of the end of a connection what authentication knows of its cause: refusals before a DISCONNECT. */
  explain?(cause: HoldfastError): HoldfastError
  /** True from the very message on that completed it: the next packet is already the connection protocol's. */
  readonly succeeded: boolean
}

interface LoginConnection {
  readonly waits: Waits
  readonly keepalive: Keepalive
  errorDetails(): ErrorDetails
}

/** What authentication needs of the connection, as long as it lasts. */
export class ConnectionAuthPort implements AuthPort {
  readonly #transport: Transport
  readonly #connection: LoginConnection

  constructor(transport: Transport, connection: LoginConnection) {
    this.#transport = transport
    this.#connection = connection
  }

  get waits(): Waits {
    return this.#connection.waits
  }

  send(payload: Buffer, taken?: () => void): void {
    this.#transport.send(payload, taken)
  }

  sessionId(): Buffer {
    return this.#transport.sessionId ?? Buffer.alloc(0)
  }

  serverSigAlgs(): readonly string[] | undefined {
    return this.#transport.generic.serverSigAlgs()
  }

  answered(tookMs: number): void {
    this.#connection.keepalive.loginAnswered(tookMs)
  }

  errorDetails(): ErrorDetails {
    return this.#connection.errorDetails()
  }
}

/** The two services on top of the transport (RFC 4253 section 10), one after the other: who gets a message, and when. */
export class Services {
  readonly #makeAuthenticator: (port: AuthPort) => Authenticator
  readonly #mux: Mux
  #authenticator: Authenticator | undefined

  constructor(makeAuthenticator: (port: AuthPort) => Authenticator, mux: Mux) {
    this.#makeAuthenticator = makeAuthenticator
    this.#mux = mux
  }

  /** The keys are in use. Resolves once the user is authenticated. */
  async authenticate(port: AuthPort): Promise<void> {
    const authenticator = this.#makeAuthenticator(port)
    this.#authenticator = authenticator
    await authenticator.run()
  }

  receive(payload: Buffer): void {
    const number = payload[0] ?? 0
    const authenticator = this.#authenticator
    if (authenticator === undefined) throw protocolError(messageName(number), 'came before the keys were in use')
    if (number < messageNumber.GLOBAL_REQUEST) authenticator.receive(payload)
    else if (authenticator.succeeded) this.#mux.receive(payload)
    else throw protocolError(messageName(number), 'came before the user was authenticated')
  }

  explain(cause: HoldfastError): HoldfastError {
    const authenticator = this.#authenticator
    return authenticator === undefined || authenticator.succeeded ? cause : (authenticator.explain?.(cause) ?? cause)
  }
}
