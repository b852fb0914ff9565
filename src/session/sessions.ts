import { type Command, RunningCommand } from './command.js'
import { conclude } from './conclusion.js'
import { DirectOutput, type Receiver } from './direct-output.js'
import { execute } from './execution.js'
import {
  boundDefaults,
  type CommandDefaults,
  type CommandLimits,
  type CommandSettings,
  type ExecOptions,
  resolveSpawn,
  type ShellOptions,
  type SpawnOptions,
} from './options.js'
import type { CommandExit, CommandResult } from './outcome.js'
import { OutputStream } from './output.js'
import { Places } from './places.js'
import type { SessionHost, SessionPort } from './port.js'
import { ProcessHelper } from './process-helper.js'
import { ProcessHelpers } from './process-helpers.js'
import { checkCommand, checkSubsystem, commandText, type Program } from './program.js'
import { Runs } from './runs.js'
import { Session, type SessionOptions } from './session.js'

export interface SessionsOptions extends CommandDefaults {
  /** As whom we logged in: what sshd does differs for root. */
  readonly username: string
  /** How long to wait for a place where a server allows no more sessions, in milliseconds. */
  readonly openLimit: number
  /** How many are to be open before they are asked for. @default 0 */
  readonly ahead?: number
}

/** What is known of the sessions of a connection. */
export interface SessionStats {
  /** Sessions that the server holds for us, abandoned ones included. */
  readonly open: number
  /** Calls that wait for one of these to end. */
  readonly waiting: number
  /** Commands that may still run although their calls have ended; each keeps its place in MaxSessions. */
  readonly abandoned: readonly string[]
}

/** A subsystem that a layer of ours talks to. */
export interface Attached {
  readonly session: Pick<Session, 'stdin' | 'isInputStuck' | 'end' | 'fail' | 'close'>
  /** Rejects with a CommandError where it failed; nobody needs to handle that. */
  readonly exited: Promise<CommandExit>
}

const noLimits: CommandLimits = { timeout: false, idleTimeout: false, firstByteTimeout: false, stdinStall: false }
/** What a layer of ours starts: it sees to limits by itself. */
const plain = { limits: noLimits, env: [], pty: undefined, secondSession: 'auto', forwardAgent: false } as const
const nobody: Receiver = { data: () => {}, end: () => {}, fail: () => {} }

/** The commands, shells and subsystems of one connection. */
export class Sessions {
  readonly #places: Places
  readonly #host: SessionHost

  constructor(port: SessionPort, options: SessionsOptions) {
    const { openLimit, username, agent, ahead = 0 } = options
    this.#places = new Places(port, ahead)
    const runs = new Runs()
    const helpers = new ProcessHelpers(runs, () => new ProcessHelper(this.#host))
    const defaults = boundDefaults(options)
    this.#host = { port, places: this.#places, defaults, openLimit, username, agent, runs, helpers }
  }

  get stats(): SessionStats {
    const { taken, waiting, abandoned } = this.#places
    return { open: taken, waiting, abandoned }
  }

  /** Opens what is to be open before it is asked for. Fails nobody. */
  openAhead(): void {
    this.#places.openAhead()
  }

  /**
   * Runs a command to its end. What is given as `stdin` is its input; else its input ends at once.
   * @throws CommandError when it could not be started, a limit or `signal` ended it, `check` was asked for and its exit
   * code is not 0, or the connection was lost; HoldfastError ERR_SSH_OPTION
   */
  exec(command: string, options: ExecOptions & { readonly encoding: 'buffer' }): Promise<CommandResult<Buffer>>
  exec(command: string, options?: ExecOptions & { readonly encoding?: 'utf8' | undefined }): Promise<CommandResult>
  exec(command: string, options?: ExecOptions): Promise<CommandResult<string | Buffer>>
  exec(command: string, options: ExecOptions = {}): Promise<CommandResult<string | Buffer>> {
    return execute(command, options, this.#host)
  }

  /** Starts a command. Resolves when the server accepted it. @throws as `exec` */
  async spawn(command: string, options: SpawnOptions = {}): Promise<Command> {
    const program = { type: 'exec', command: checkCommand(command) } as const
    return this.#spawn(program, resolveSpawn(options, this.#host.defaults))
  }

  /** Starts the user's shell, with a terminal unless `pty` is false. @throws as `exec` */
  async shell(options: ShellOptions = {}): Promise<Command> {
    return this.#spawn({ type: 'shell' }, resolveSpawn(options, this.#host.defaults, true))
  }

  /** Starts a subsystem of the server, `sftp` say. @throws as `exec` */
  async subsystem(name: string, options: SpawnOptions = {}): Promise<Command> {
    const program = { type: 'subsystem', name: checkSubsystem(name) } as const
    return this.#spawn(program, resolveSpawn(options, this.#host.defaults))
  }

  /**
   * Starts a subsystem for a layer of ours, which takes its output as it comes. None of the limits of commands holds.
   * @param opened called once the channel is open, before anything is asked for on it
   * @throws as `exec`
   */
  async attach(
    name: string,
    receiver: Receiver,
    signal: AbortSignal | undefined,
    opened?: SessionOptions['opened'],
  ): Promise<Attached> {
    const program = { type: 'subsystem', name } as const
    const settings = { ...plain, signal }
    const origin = new Error('called')
    const stdout = new DirectOutput(receiver, (bytes) => session.consumed(bytes))
    const stderr = new DirectOutput(nobody, (bytes) => session.consumed(bytes))
    const stalled = () => receiver.stalled?.()
    const options = { host: this.#host, program, settings, stdout, stderr, origin, opened, stalled }
    const session: Session = new Session(options)
    return { session, ...(await this.#begin(session, origin)) }
  }

  /**
   * Starts a command for a layer of ours, which may end it for a reason of its own. None of the limits of commands holds.
   * @param stalled called when its input has begun to wait until it reads
   * @throws as `exec`
   */
  async run(command: string, signal: AbortSignal | undefined, stalled?: () => void): Promise<RunningCommand> {
    const program = { type: 'exec', command: checkCommand(command) } as const
    return this.#spawn(program, { ...plain, signal }, stalled)
  }

  async #spawn(program: Program, settings: CommandSettings, stalled?: () => void): Promise<RunningCommand> {
    const stdout = new OutputStream((bytes) => session.consumed(bytes))
    const stderr = new OutputStream((bytes) => session.consumed(bytes))
    const origin = new Error('called')
    const session: Session = new Session({ host: this.#host, program, settings, stdout, stderr, origin, stalled })
    return new RunningCommand(session, stdout, stderr, (await this.#begin(session, origin)).exited)
  }

  /** @returns how it ends, once the server has accepted it */
  async #begin(session: Session, origin: Error): Promise<{ readonly exited: Promise<CommandExit> }> {
    const gathered = () => ({ command: commandText(session.program), stdout: '', stderr: '' })
    const exited = conclude(session, { host: this.#host, origin, gathered })
    // A failure must not end a program that does not ask for it.
    const ended = () => forgetFrames(origin)
    exited.then(ended, ended)
    if (!(await session.startup.run())) await exited
    return { exited }
  }
}

/**
 * Until its stack is read or replaced, an error holds what each function on it was called on, secrets of the caller's
 * among them; and whoever holds a command, or a file session, holds that error.
 */
function forgetFrames(origin: Error): void {
  origin.stack = ''
}
