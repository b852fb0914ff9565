import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { baseEnvironment, type LocalProcess, startLocally } from './local-process.js'
import { ProcessGroup } from './process-group.js'
import type { CommandEnd, ServerSession } from './session-handler.js'

export interface LocalShellOptions {
  /**
   * - `deliver`: a signal of the client goes to the command's process group, as sshd does for an ordinary user.
   * - `ignore`: it is dropped without a word, as sshd up to 9.7 does for root.
   * @default 'deliver'
   */
  readonly signals?: 'deliver' | 'ignore' | undefined
  /**
   * What becomes of a command that still runs when its session or connection ends.
   * - `leave`: it runs on, with its input and output closed, as under sshd: who wants it gone has to see to it first.
   * - `end`: it is killed, with all that it started.
   *
   * Either way nothing is left once the server is closed, except outside Linux what a command itself left running.
   * @default 'leave'
   */
  readonly afterClose?: 'leave' | 'end' | undefined
}

/** A command of which something still runs on this machine. */
export interface RunningProcess {
  /** Of the command's shell, and of its process group. */
  readonly pid: number
  readonly command: string
}

/** The signals of RFC 4254 section 6.10, as sshd delivers them. */
const signals = new Set([
  'ABRT',
  'ALRM',
  'FPE',
  'HUP',
  'ILL',
  'INT',
  'KILL',
  'PIPE',
  'QUIT',
  'SEGV',
  'TERM',
  'USR1',
  'USR2',
])

/** How often the shell looks what has become of those that commands left running. */
const watchMs = 1000

/** A test that crashes must not leave its commands to the machine. */
const open = new Set<LocalShell>()
const endAll = () => {
  for (const shell of open) shell.killAll()
}

/** Runs the commands of sessions on this machine, each in a process group of its own, without a real terminal. */
export class LocalShell {
  readonly #options: LocalShellOptions
  /** The commands of which something still runs. */
  readonly #running = new Map<ProcessGroup, string>()
  readonly #children = new Set<LocalProcess>()
  #watch: NodeJS.Timeout | undefined

  constructor(options: LocalShellOptions) {
    this.#options = options
    if (open.size === 0) process.on('exit', endAll)
    open.add(this)
  }

  /** The commands of which something still runs, those that outlived their session among them. */
  processes(): readonly RunningProcess[] {
    this.#look()
    return [...this.#running].map(([{ leader }, command]) => ({ pid: leader, command }))
  }

  /** A handler of sessions. */
  async run(session: ServerSession): Promise<CommandEnd> {
    const child = startLocally(session.command, environmentOf(session))
    const { pid } = child
    if (pid === undefined) return failedToStart(child)
    const group = new ProcessGroup(child, pid)
    this.#running.set(group, session.command ?? 'shell')
    this.#children.add(child)
    session.on('signal', (name) => this.#signal(group, name))
    session.signal.addEventListener('abort', () => this.#abandoned(session, child, group))
    join(session, child)
    child.on('exit', (code, signal) => {
      this.#children.delete(child)
      if (group.isAlive()) this.#watchLeftovers()
      else this.#running.delete(group)
      session.exit(code ?? (signal === null ? null : { signal: signal.slice('SIG'.length) }))
    })
    // Not before the last of those that inherited its output has let go of it.
    await once(child, 'close')
    return null
  }

  /** Kills whatever still runs. Resolves when this machine knows that the commands are gone. */
  async close(): Promise<void> {
    open.delete(this)
    if (open.size === 0) process.off('exit', endAll)
    const exits = [...this.#children].map((child) => once(child, 'exit'))
    this.killAll()
    await Promise.all(exits)
    await this.#gone()
    clearInterval(this.#watch)
  }

  killAll(): void {
    for (const group of this.#running.keys()) group.signal('KILL')
  }

  #look(): void {
    for (const group of this.#running.keys()) if (!group.isAlive()) this.#running.delete(group)
  }

  /** The end of what a shell left running has no event, and what that starts is known to be ours only if it was seen beside it. */
  #watchLeftovers(): void {
    this.#watch ??= setInterval(() => {
      this.#look()
      if (this.#running.size > this.#children.size) return
      clearInterval(this.#watch)
      this.#watch = undefined
    }, watchMs).unref()
  }

  /** What a shell had started is nobody's child once the shell is gone, and so has no event for its end. */
  async #gone(): Promise<void> {
    for (let round = 0; round < 200 && this.processes().length > 0; round++) await setTimeout(5)
  }

  #signal(group: ProcessGroup, name: string): void {
    if (this.#options.signals !== 'ignore' && signals.has(name)) group.signal(name)
  }

  #abandoned(session: ServerSession, child: LocalProcess, group: ProcessGroup): void {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
    if (this.#options.afterClose === 'end') group.signal('KILL')
    // What the end of a terminal means to those whose terminal it was.
    else if (session.pty !== undefined) group.signal('HUP')
  }
}

function environmentOf({ username, env, pty, connection }: ServerSession): NodeJS.ProcessEnv {
  const { clientPort, serverPort } = connection
  return {
    ...baseEnvironment(username),
    SSH_CONNECTION: `127.0.0.1 ${clientPort} 127.0.0.1 ${serverPort}`,
    ...(pty === undefined ? {} : { TERM: pty.term, COLUMNS: String(pty.columns), LINES: String(pty.rows) }),
    ...env,
  }
}

function join(session: ServerSession, child: LocalProcess): void {
  // A command may end, or close its input, before it was sent everything: what still comes is thrown away.
  child.stdin.on('error', () => {})
  child.stdin.on('close', () => session.stdin.resume())
  session.stdin.pipe(child.stdin)
  child.stdout.pipe(session.stdout, { end: false })
  // A terminal shows both in one place.
  child.stderr.pipe(session.pty === undefined ? session.stderr : session.stdout, { end: false })
}

function failedToStart(child: LocalProcess): Promise<never> {
  return new Promise((_, reject) => child.on('error', reject))
}
