import type { Readable, Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { encodeWindowChange, type TerminalSize } from '../wire/session-messages.js'
import { optionError } from './option-error.js'
import type { CommandExit } from './outcome.js'
import { resolveSize } from './pty.js'
import type { Session } from './session.js'

/** A command that runs, with its streams. */
export interface Command extends AsyncDisposable {
  /**
   * `end()` tells the command that its input is over, and so does `destroy()`; destroyed with an error, as by a pipeline
   * whose source fails, it ends the command with ERR_SSH_STDIN. A write's callback is called when its bytes were sent.
   */
  readonly stdin: Writable
  readonly stdout: Readable
  /**
   * Shares one window with `stdout`, as the protocol has it: once 2 MiB of either wait to be read (on a far and fast link more), the command cannot
   * write to the other. Read it, or `resume()` it, or `destroy()` it, which throws away what comes.
   */
  readonly stderr: Readable
  /** Variables of `env` that the server would not set (sshd: AcceptEnv). */
  readonly refusedEnv: readonly string[]
  /**
   * How it ended: once its exit is known and all its output has come. Rejects with a `CommandError` at a limit, an abort
   * or the loss of the connection; nobody needs to handle it. Once asked for, it keeps the process running after
   * `unref()` of the client too, which a command alone does not.
   */
  readonly exited: Promise<CommandExit>
  /**
   * Sends a signal, of which nothing is heard again (RFC 4254 section 6.9): sshd passes it to the command's process
   * group, or drops it for a forced command, a subsystem and, up to version 9.7, for root.
   * @param signal `SIGTERM` or `TERM` @default 'SIGTERM'
   * @throws HoldfastError ERR_SSH_OPTION
   */
  kill(signal?: string): void
  /** Tells the command the new size of its terminal. @throws HoldfastError ERR_SSH_OPTION */
  resize(size: TerminalSize): void
  /** Ends the command if it still runs, as a limit does. Never rejects. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What a layer of ours can do with a command besides. */
export class RunningCommand implements Command {
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #session: Session
  readonly #exited: Promise<CommandExit>

  constructor(session: Session, stdout: Readable, stderr: Readable, exited: Promise<CommandExit>) {
    this.#session = session
    this.stdout = stdout
    this.stderr = stderr
    this.#exited = exited
  }

  get stdin(): Writable {
    return this.#session.stdin
  }

  get refusedEnv(): readonly string[] {
    return this.#session.startup.refusedEnv
  }

  get exited(): Promise<CommandExit> {
    this.#session.life.await()
    return this.#exited
  }

  /** Whether input waits for the command to read. */
  get isInputStuck(): boolean {
    return this.#session.isInputStuck
  }

  /** Ends it for this reason, which `exited` rejects with, unless it has failed or ended already. */
  fail(reason: HoldfastError): void {
    this.#session.fail(reason)
  }

  kill(signal = 'SIGTERM'): void {
    this.#session.signal(wireName(signal))
  }

  resize(size: TerminalSize): void {
    this.#session.channel?.notify('window-change', encodeWindowChange(resolveSize(size)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.fail(new HoldfastError('ERR_SSH_ABORTED', 'the command was disposed of', { phase: 'command' }))
    await this.#exited.catch(() => {})
  }
}

/** RFC 4254 section 6.10: names go without SIG; those with an @ are of somebody's own making. */
function wireName(signal: string): string {
  if (typeof signal === 'string' && /^[A-Z0-9]+(@[\x21-\x7e]+)?$/.test(signal)) return signal.replace(/^SIG/, '')
  throw optionError('signal', `must be the name of one, 'SIGTERM', not '${signal}'`)
}
