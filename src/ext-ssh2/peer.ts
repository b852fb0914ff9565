import type { AuthPort } from '../auth/port.js'
import type { Client } from '../client/client.js'
import { openClient } from '../client/jump.js'
import type { Link } from '../client/link.js'
import type { Face } from '../client/new-connection.js'
import type { ConnectOptions } from '../client/options.js'
import type { Authenticator } from '../connection/services.js'
import { HoldfastError } from '../errors.js'
import { Deferred } from '../liveness/deferred.js'
import type { KeepaliveOptions } from '../liveness/settings.js'
import type { Wait, Waits } from '../liveness/waits.js'
import { warn } from './answer.js'
import { alreadyAuthenticated, LateLogin, type LoginAnswer, type LoginOffer } from './late-login.js'
import { doWithin, type Work } from './work.js'

/** One call of `ssh2_auth_…()`. */
export interface Login extends Pick<LoginOffer, 'name' | 'username'> {
  /** @param algorithms those that a policy or the program leaves for our own signatures; undefined for what is usual */
  readonly prepare: (algorithms: readonly string[] | undefined) => Promise<LoginOffer['methods']>
}

/** The connection of one session: first its keys are exchanged, and later a call logs in. */
export class Peer implements Face {
  /** What `ssh2_set_timeout()` has set; 0 for none. */
  timeoutMs = 0
  readonly identification = undefined
  readonly keyRules = undefined
  readonly #begun = new Deferred<LateLogin>()
  readonly #opening: Promise<Client>
  #link: Link | undefined
  #login: LateLogin | undefined
  #client: Client | undefined
  #answered: () => void = () => {}
  /** What was asked for before the login. */
  #keepalive: KeepaliveOptions | undefined
  /** How many calls and streams there are for whose sake the process must go on. */
  #users = 0
  #hold: Wait<void> | undefined

  /**
   * Resolves once the keys are exchanged and the host key is trusted.
   * @throws HoldfastError as `connect()`
   */
  static async open(options: ConnectOptions): Promise<Peer> {
    const peer = new Peer(options)
    await peer.#begun.promise
    peer.#lookAtUsers()
    return peer
  }

  private constructor(options: ConnectOptions) {
    this.#opening = openClient(options, { before: undefined, depth: 0, face: this })
    void this.#follow()
  }

  /**
   * What the functions of an authenticated session work on. It may be over: its calls say why.
   * @throws HoldfastError ERR_SSH_AUTHENTICATION
   */
  get client(): Client {
    if (this.#client !== undefined) return this.#client
    const hint = 'call one of ssh2_auth_…() first, and await it'
    throw new HoldfastError('ERR_SSH_AUTHENTICATION', 'Connection not authenticated', { phase: 'authentication', hint })
  }

  /** What is below: there from the key exchange on. */
  get link(): Link {
    if (this.#link === undefined) throw new RangeError('the connection has not begun')
    return this.#link
  }

  /** The host key as it goes over the wire, once the server has proved that it owns it. */
  get hostKey(): Buffer | undefined {
    return this.link.trust?.proof?.hostKey
  }

  get #signatureAlgorithms(): readonly string[] | undefined {
    const held = this.link.settings.policy?.held.get('algorithms.publicKey')
    return Array.isArray(held) ? held.filter((name) => typeof name === 'string') : undefined
  }

  get username(): string | undefined {
    return this.#login?.username
  }

  /** @throws HoldfastError ERR_SSH_OPTION where one has logged in already */
  requireNoLogin(): void {
    if (this.#client !== undefined) throw alreadyAuthenticated()
  }

  /**
   * Logs in. Where the server accepts it, `client` is there.
   * @throws HoldfastError why the connection ended, ERR_SSH_OPTION where one has logged in already
   */
  async logIn({ name, username, prepare }: Login): Promise<LoginAnswer> {
    const login = this.#login
    if (login === undefined) throw new RangeError('the connection has not begun')
    this.requireNoLogin()
    const leave = this.use()
    try {
      const answer = await this.within(name, {
        start: async (signal) =>
          login.ask({ name, username, methods: await prepare(this.#signatureAlgorithms) }, signal),
        undo: ({ isAccepted }) => isAccepted && this.#endGivenUp(name),
      })
      if (answer.isAccepted) this.#becameReady(await this.#opening)
      return answer
    } finally {
      leave()
      this.#answered()
    }
  }

  /**
   * Sets the keepalive, for the time after the login where nobody has logged in.
   * @throws HoldfastError ERR_SSH_OPTION
   */
  configureKeepalive(options: KeepaliveOptions): void {
    if (this.#client === undefined) this.#keepalive = options
    else this.#client.keepalive.configure(options)
  }

  /** Calls back after each login that was tried. */
  onAnswer(answered: () => void): void {
    this.#answered = answered
  }

  /**
   * Waits for what a function does for no longer than `ssh2_set_timeout()` says.
   * @throws HoldfastError ERR_SSH_TIMEOUT (limit `timeout`), and what `work.start` throws
   */
  async within<T>(name: string, work: Work<T>): Promise<T> {
    return this.during(() => doWithin({ name, limitMs: this.timeoutMs, waits: this.link.timing.waits }, work))
  }

  /**
   * Somebody waits for something of the connection: it keeps the process running, which it does for nobody's sake otherwise. A
   * script of PHP's ends without a word to its sessions.
   * @returns the way out, to be taken once
   */
  use(): () => void {
    this.#users++
    this.#lookAtUsers()
    return () => {
      this.#users--
      this.#lookAtUsers()
    }
  }

  /** The same for as long as something takes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const leave = this.use()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  /** Ends the connection within the limit `close`, whatever the peer does. Never rejects. */
  close(): Promise<void> {
    return this.during(async () => {
      if (this.#client !== undefined) return this.#client.close()
      this.link.end(new HoldfastError('ERR_SSH_CLOSED', 'the session was disconnected', { phase: 'close' }))
      await this.link.closed
    })
  }

  opened(): void {}

  keysExchanged(link: Link): void {
    this.#link = link
    link.keepRunning(false)
  }

  authenticator(port: AuthPort): Authenticator {
    const login = new LateLogin(port, this.link.settings.limits, ({ name }) => this.#endGivenUp(name))
    this.#login = login
    this.#begun.resolve(login)
    return login
  }

  /** While nobody waits, what the connection itself still waits for is no reason to go on either. */
  #lookAtUsers(): void {
    const { waits } = this.link.timing
    const isUsed = this.#users > 0
    waits.attend(isUsed)
    waits.keepRunning(isUsed)
    if (isUsed) this.#hold ??= holdOn(waits)
    else {
      this.#hold?.resolve()
      this.#hold = undefined
    }
  }

  #becameReady(client: Client): void {
    // Its login began as one that somebody waits for.
    this.#lookAtUsers()
    if (this.#client !== undefined) return
    this.#client = client
    if (this.#keepalive !== undefined) client.keepalive.configure(this.#keepalive)
  }

  /** Nobody may be logged in where the program was told false: what the server says to the request is not waited for. */
  #endGivenUp(name: string): void {
    if (this.link.connection.cause !== undefined) return
    const text = 'the session was ended: the server could still have accepted the login that was given up'
    const hint = 'connect anew, and give the login more time by ssh2_set_timeout()'
    warn(name, text)
    this.link.end(new HoldfastError('ERR_SSH_TIMEOUT', text, { phase: 'authentication', limit: 'timeout', hint }))
  }

  async #follow(): Promise<void> {
    try {
      this.#becameReady(await this.#opening)
    } catch (error) {
      this.#begun.reject(error)
    }
  }
}

/** Without a limit: what is waited for has its own. */
function holdOn(waits: Waits): Wait<void> {
  const what = 'what the program waits for'
  const options = { limit: 'timeout', limitMs: false, clock: 'call', phase: 'ready', what, isAwaited: false } as const
  const hold = waits.start<void>(options)
  hold.promise.catch(() => {})
  return hold
}
