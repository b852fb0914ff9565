import { asHoldfastError, HoldfastError } from '../errors.js'
import { nextTurn } from '../keys/next-turn.js'
import type { Wait } from '../liveness/waits.js'
import type { RunningCommand } from '../session/command.js'
import { CommandError, type CommandExit } from '../session/outcome.js'
import type { SessionPort } from '../session/port.js'
import type { Sessions } from '../session/sessions.js'
import { printable } from '../wire/printable.js'
import { Input } from './input.js'
import type { ScpPatience } from './options.js'
import { decodeRecord, encodeRecord, maxRecord, type ScpRecord } from './records.js'
import { ScpError, scpProtocolError } from './scp-error.js'

/** What transfers by SCP need of the client. */
export interface ScpHost extends ScpPatience {
  readonly port: Pick<SessionPort, 'waits' | 'cause'>
  readonly sessions: Pick<Sessions, 'run'>
  /** How long it may take to end in order. */
  readonly closeLimitMs: number
}

export interface ConversationSettings {
  readonly host: ScpHost
  readonly command: string
  /** What the call is for, as errors say it: a path of the server. */
  readonly path: string
  readonly idleLimitMs: number
  readonly signal: AbortSignal | undefined
}

/** Of what it says as errors, for a person; the rest is thrown away. */
const maxStderr = 2048
const ok = Buffer.of(0)
/** So many are read in one turn of the event loop: 150,000 of them fit into one window, and took 3.9 s in one. */
const recordsInATurn = 256
const notFound = 127
/** Reasons of which the server's side says more: what became of the scp there. */
const endsThere = new Set<unknown>(['ERR_SSH_TIMEOUT', 'ERR_SSH_ABORTED'])

/**
 * Talks with a scp on the server, which is ended whatever happens.
 * @throws CommandError at the limit idleTimeout, an abort or the loss of the connection; ScpError; what `work` throws
 */
export async function converse<T>(settings: ConversationSettings, work: (scp: Conversation) => Promise<T>): Promise<T> {
  const { host, command, signal } = settings
  const stalled = () => scp.stalled()
  const scp: Conversation = new Conversation(settings, await host.sessions.run(command, signal, stalled))
  try {
    const result = await work(scp)
    await scp.finish()
    return result
  } catch (error) {
    throw await scp.failed(error)
  }
}

/**
 * A remote scp that runs: what it is told, and what it answers. Each wait for it ends at the limit, and at once by the signal:
 * that the server's side ends takes time, in which nothing here may go on.
 */
export class Conversation {
  readonly #settings: ConversationSettings
  readonly #command: RunningCommand
  readonly #input: Input
  readonly #exited: Promise<CommandExit>
  /** The wait for what was sent last to be on its way. */
  #sending: Wait<boolean> | undefined
  #stderr = ''
  #recordCount = 0

  constructor(settings: ConversationSettings, command: RunningCommand) {
    this.#settings = settings
    this.#command = command
    this.#exited = command.exited
    this.#input = new Input(command.stdout, (what, next) => this.#patiently(what, next))
    command.stderr.on('data', (bytes: Buffer) => {
      this.#stderr = `${this.#stderr}${bytes.toString()}`.slice(0, maxStderr)
    })
  }

  /** What it is sent has begun to wait until it reads. Before, it waits for the link, which is not scp's to answer for. */
  stalled(): void {
    this.#sending?.sent()
  }

  /** Sends bytes, which may be used again once this resolves. @throws ScpError where it ended */
  async send(bytes: Buffer, what: string): Promise<void> {
    if (await this.#send(bytes, what)) return
    // It may have said why.
    await this.answer(what)
    throw await this.ended(what)
  }

  /** Sends a record, and waits until it is content with it. @throws ScpError */
  async tell(record: ScpRecord, what: string): Promise<void> {
    await this.send(encodeRecord(record), what)
    await this.answer(what)
  }

  /** Says that we are content: it may go on. What it says next tells whether it was still there to hear that. */
  async agree(): Promise<void> {
    await this.#send(ok, 'that scp reads that it may go on')
  }

  /** Waits until it is content. @throws ScpError */
  async answer(what: string): Promise<void> {
    const byte = await this.#input.byte(what)
    if (byte === undefined) throw await this.ended(what)
    if (byte !== 0) throw await this.#refusal(byte, what)
  }

  /** What comes next; undefined at the end. @throws ScpError; HoldfastError ERR_SSH_SCP_PROTOCOL */
  async record(): Promise<ScpRecord | undefined> {
    if (++this.#recordCount % recordsInATurn === 0) await nextTurn()
    const what = 'what scp gives next'
    const byte = await this.#input.byte(what)
    if (byte === undefined) return undefined
    if (byte < 0x20) throw await this.#refusal(byte, what)
    const rest = await this.#line(what)
    return decodeRecord(Buffer.concat([Buffer.of(byte), rest]))
  }

  /** Exactly so many bytes, as they come. */
  async *contents(size: number, what: string): AsyncGenerator<Buffer, undefined> {
    for (let left = size; left > 0; ) {
      const bytes = await this.#input.some(left, what)
      if (bytes === undefined) throw await this.ended(what)
      left -= bytes.length
      yield bytes
    }
  }

  /** What its end means where something was to come first. */
  async ended(what: string): Promise<HoldfastError> {
    return this.#exitError(await this.#patiently(what, this.#exited), `ended before ${what} came`)
  }

  /** Everything was said: it ends, and says nothing more. @throws ScpError */
  async finish(): Promise<void> {
    this.#command.stdin.end()
    const what = 'the end of scp'
    if ((await this.#input.byte(what)) !== undefined) throw scpProtocolError('it goes on after its end')
    const { exitCode, signal } = await this.#patiently(what, this.#exited)
    if (exitCode !== 0 && (exitCode !== null || signal !== null)) throw this.#exitError({ exitCode, signal }, 'ended')
  }

  /** Ends it, and says what its caller is to get. Never rejects. */
  async failed(reason: unknown): Promise<unknown> {
    const fault = asHoldfastError(reason)
    // What it refused by itself ends with its input, and its own words are worth more than how.
    if (reason instanceof ScpError) await this.#endOfInput(fault)
    else this.#command.fail(fault)
    const end: unknown = await this.#end()
    if (!(end instanceof CommandError)) return reason
    // The first cause counts: an abort, a limit or the loss of the connection says what became of it there.
    const isOurs = end.code === fault.code && this.#settings.host.port.cause === undefined
    return isOurs && !endsThere.has(fault.code) ? reason : end
  }

  async #end(): Promise<unknown> {
    try {
      return await this.#exited
    } catch (failure) {
      return failure
    }
  }

  async #endOfInput(fault: HoldfastError): Promise<void> {
    this.#command.stdin.end()
    this.#command.stdout.destroy()
    const wait = this.#wait('the end of scp', this.#settings.host.closeLimitMs)
    wait.sent()
    this.#exited.then(
      () => wait.resolve(),
      () => wait.resolve(),
    )
    await wait.promise.catch(() => this.#command.fail(fault))
  }

  /** @returns false where it has ended */
  #send(bytes: Buffer, what: string): Promise<boolean> {
    const wait = this.#wait<boolean>(what)
    this.#sending = wait
    this.#command.stdin.write(bytes, (error) => wait.resolve(error === null || error === undefined))
    // Behind what waits already this does not begin to wait: nobody will tell of it.
    if (this.#command.isInputStuck) this.stalled()
    return wait.promise
  }

  async #patiently<T>(what: string, next: Promise<T>): Promise<T> {
    const wait = this.#wait<T>(what)
    wait.sent()
    next.then(
      (value) => wait.resolve(value),
      (error: unknown) => wait.reject(error),
    )
    return wait.promise
  }

  #wait<T = void>(what: string, limitMs: number = this.#settings.idleLimitMs): Wait<T> {
    const { host, signal } = this.#settings
    return host.port.waits.start<T>({ limit: 'idleTimeout', limitMs, clock: 'reply', phase: 'command', what, signal })
  }

  /** 1 says what could not be done, 2 that it ends for that; anything else is not its language. */
  async #refusal(byte: number, what: string): Promise<HoldfastError> {
    if (byte !== 1 && byte !== 2) return scpProtocolError(`'${this.#input.show(byte)}' came in place of ${what}`)
    return new ScpError((await this.#line(what)).toString(), this.#settings.path)
  }

  async #line(what: string): Promise<Buffer> {
    const line = await this.#input.line(maxRecord, what)
    if (line === undefined) throw scpProtocolError(`a line does not end within ${maxRecord} bytes`)
    return line
  }

  #exitError({ exitCode, signal }: Pick<CommandExit, 'exitCode' | 'signal'>, how: string): HoldfastError {
    const said = this.#stderr === '' ? '' : `: ${printable(this.#stderr.trim(), 300)}`
    if (exitCode === notFound)
      return new HoldfastError('ERR_SSH_UNSUPPORTED', `the server has no scp${said}`, { phase: 'command' })
    return new ScpError(`it ${how}, with ${signal ?? `exit code ${exitCode}`}${said}`, this.#settings.path)
  }
}
