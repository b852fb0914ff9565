import type { Connection } from '../connection/connection.js'
import { maxUnanswered } from '../connection/probe-messages.js'
import { HoldfastError } from '../errors.js'
import { type Duration, parseDuration } from '../liveness/duration.js'
import type { ProbeAnswer } from '../liveness/keepalive.js'
import { type KeepaliveOptions, type KeepaliveSettings, resolveKeepalive } from '../liveness/settings.js'
import { checkNames } from '../session/option-error.js'
import { checkKeepalive } from './shape.js'

/** What `keepalive.send()` takes. */
export interface ProbeOptions {
  /** How long to wait for the answer. @default the limit `reply`, 15 s */
  readonly timeout?: Duration | undefined
  /** Gives up waiting: ERR_SSH_ABORTED. The probe itself is sent all the same. */
  readonly signal?: AbortSignal | undefined
}

export interface KeepalivePort {
  /** Called only once the client exists, and with it the connection. */
  connection(): Connection
  readonly replyLimitMs: number
  /** What a policy enforces: what it makes of other settings. */
  tighten(settings: KeepaliveSettings): KeepaliveSettings
  /** The longest time for an answer that a policy allows. */
  readonly replyBoundMs: number | undefined
  /** Puts the SO_KEEPALIVE part in force. */
  setTcp(tcp: KeepaliveSettings['tcp']): void
}

/** The keepalive of one connection, as a program sees it. */
export class ClientKeepalive {
  readonly #port: KeepalivePort

  constructor(port: KeepalivePort) {
    this.#port = port
  }

  /** What holds now, in milliseconds. */
  get settings(): KeepaliveSettings {
    return this.#port.connection().keepalive.settings
  }

  /**
   * Changes what is given, and leaves the rest. What the new values make overdue is asked for, not held against the peer.
   * What a policy enforces is held to: `settings` has what became of it.
   * @throws HoldfastError ERR_SSH_OPTION
   */
  configure(part: KeepaliveOptions | false): void {
    checkKeepalive(part)
    const connection = this.#port.connection()
    const settings = this.#port.tighten(resolveKeepalive(part, this.settings))
    connection.configureKeepalive(settings)
    this.#port.setTcp(settings.tcp)
  }

  /**
   * Asks the peer now, or as soon as a key exchange under way is over. Judges nobody.
   * @throws HoldfastError ERR_SSH_PROBE_TIMEOUT, also when 256 probes are unanswered already; ERR_SSH_ABORTED, ERR_SSH_OPTION, or why the connection ended
   */
  async send(options: ProbeOptions = {}): Promise<ProbeAnswer> {
    checkNames(options, ['timeout', 'signal'])
    const { replyLimitMs, replyBoundMs = Number.POSITIVE_INFINITY } = this.#port
    const limitMs = options.timeout === undefined ? replyLimitMs : parseDuration(options.timeout, 'timeout')
    const connection = this.#port.connection()
    const wait = connection.waits.start<ProbeAnswer>({
      limit: 'reply',
      code: 'ERR_SSH_PROBE_TIMEOUT',
      limitMs: Math.min(limitMs, replyBoundMs),
      clock: 'answer',
      phase: 'ready',
      what: 'the answer to the probe',
      signal: options.signal,
    })
    if (connection.probes.unanswered >= maxUnanswered) wait.reject(tooManyUnanswered(connection))
    if (!wait.pending) return wait.promise
    const takeBack = connection.keepalive.probeNow(
      connection.now(),
      (answer) => wait.resolve(answer),
      () => wait.sent(),
    )
    try {
      return await wait.promise
    } finally {
      takeBack()
    }
  }
}

function tooManyUnanswered(connection: Connection): HoldfastError {
  const message = `the peer has left ${maxUnanswered} probes unanswered: no more are sent until it answers`
  return new HoldfastError('ERR_SSH_PROBE_TIMEOUT', message, { ...connection.errorDetails(), phase: 'ready' })
}
