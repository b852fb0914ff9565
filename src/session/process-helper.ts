import { randomBytes } from 'node:crypto'
import { HoldfastError } from '../errors.js'
import { LineOutput } from './line-output.js'
import { CollectedOutput } from './output.js'
import type { SessionHost } from './port.js'
import { type Child, parseChildren, processScript } from './process-script.js'
import { resolvePty } from './pty.js'
import { Session } from './session.js'

/** The children of the connection's sshd, and which of them is the helper itself. */
export interface Listing {
  readonly self: number
  readonly children: readonly Child[]
  /** What was started before the helper and had not ended when the list was asked for, in that order. */
  readonly sessions: readonly Session[]
}

/** What is known of a TERM that was asked for. */
export interface TermAnswer {
  /** The helper says that nothing was signalled. */
  readonly missed: boolean
  /** An instant of the server's clock at which the child lived; undefined where that was not said in time. */
  readonly livedAt: string | undefined
}

/**
 * With a terminal, which hangs up when the channel is closed: whatever the server runs instead of the script ends then.
 * Where terminals are forbidden, a forced command is not far, and nothing is run.
 */
const pty = resolvePty({ term: 'dumb', modes: { ECHO: 0, OPOST: 0 } })
const noLimits = { timeout: false, idleTimeout: false, firstByteTimeout: false, stdinStall: false } as const
const settings = {
  limits: noLimits,
  signal: undefined,
  env: [],
  pty,
  secondSession: 'never',
  forwardAgent: false,
} as const

/** A second session on the connection, in which a script looks for the processes of the others and signals them. */
export class ProcessHelper {
  readonly session: Session
  readonly #host: SessionHost
  readonly #mark: string
  readonly #owed: ((words: readonly string[]) => void)[] = []
  #self: number | undefined
  #listing: Promise<Listing | undefined> | undefined
  #saidSomethingElse = false

  constructor(host: SessionHost) {
    const mark = `holdfast-${randomBytes(8).toString('hex')}`
    this.#host = host
    this.#mark = mark
    const consume = (bytes: number) => this.session.consumed(bytes)
    const stdout = new LineOutput(consume, (line) => this.#receive(line))
    const stderr = new CollectedOutput((bytes) => {
      consume(bytes)
      return 0
    })
    const program = { type: 'exec', command: processScript(mark) } as const
    const origin = new Error('called')
    this.session = new Session({ host, program, settings, stdout, stderr, origin, place: 'now' })
  }

  /** Whether there is evidence that the server ran something else than our script: that came to an end, or spoke. */
  get ranSomethingElse(): boolean {
    const { startup, exit, isClosed } = this.session
    return (
      this.#self === undefined &&
      startup.stage === 'running' &&
      (this.#saidSomethingElse || exit !== undefined || isClosed)
    )
  }

  /** Whether it runs and has said nothing: a slow start-up file, or something else than our script. */
  get isSilent(): boolean {
    return this.#self === undefined && this.session.startup.stage === 'running' && !this.ranSomethingElse
  }

  /** Starts the script. @returns why there is none, undefined when there is */
  async open(limitMs: number): Promise<string | undefined> {
    const ready = this.#answer(limitMs)
    void this.#run()
    const words = await ready
    if (words?.[0] === 'ready') {
      this.#self = Number(words[1])
      return undefined
    }
    if (this.isSilent) return 'the second session gave no answer in time'
    return this.ranSomethingElse
      ? 'what the server runs instead of a shell could not look for it'
      : 'the server gave no second session to look for it in'
  }

  /**
   * Those who ask while an answer is on its way share it: were each of many commands looked up by itself, the end of one
   * would spoil the search for the next.
   * @returns undefined when no answer came in time, or one that makes no sense
   */
  list(limitMs: number): Promise<Listing | undefined> {
    this.#listing ??= this.#list(limitMs).finally(() => {
      this.#listing = undefined
    })
    return this.#listing
  }

  async #list(limitMs: number): Promise<Listing | undefined> {
    const sessions = this.#host.runs.before(this.session)
    const words = await this.#ask('list', limitMs)
    if (words?.[0] !== 'list' || this.#self === undefined) return undefined
    const children = parseChildren(words.slice(1))
    return children === undefined ? undefined : { self: this.#self, children, sessions }
  }

  /** Sends TERM to the process group of a child, if it is still that child. */
  async term({ pid, start }: Child, limitMs: number): Promise<TermAnswer> {
    const [answer, livedAt] = (await this.#ask(`TERM ${pid} ${start}`, limitMs)) ?? []
    return { missed: answer === 'missed', livedAt: answer === 'sent' ? livedAt : undefined }
  }

  /**
   * Sends KILL to the process group of a child, if it is still that child or something of its group is left.
   * @param livedAt as `term` gave it; without it, what is left of a group cannot be told
   * @returns whether it was sent
   */
  async kill({ pid, start }: Child, livedAt: string | undefined, limitMs: number): Promise<boolean> {
    const words = await this.#ask(`KILL ${pid} ${start} ${livedAt ?? '-'}`, limitMs)
    return words?.[0] === 'sent'
  }

  /** Ends the script. Resolves when it has ended, or the time is over. */
  async close(limitMs: number): Promise<void> {
    this.session.stopWaiting()
    this.session.fail(new HoldfastError('ERR_SSH_CLOSED', 'the second session is not needed any more'))
    void this.session.close()
    await this.session.endWaits.ended(limitMs)
  }

  async #run(): Promise<void> {
    await this.session.startup.run()
    await this.session.end.catch(() => {})
    this.#abandon()
  }

  #ask(line: string, limitMs: number): Promise<readonly string[] | undefined> {
    const answer = this.#answer(limitMs)
    this.session.stdin.write(`${line}\n`)
    return answer
  }

  /** Waits for the next line: answers come in the order of questions, whether somebody still waits or not. */
  async #answer(limitMs: number): Promise<readonly string[] | undefined> {
    const wait = this.#host.port.waits.start<readonly string[]>({
      limit: 'channelClose',
      limitMs,
      clock: 'call',
      phase: 'command',
      what: 'the second session',
    })
    this.#owed.push((words) => wait.resolve(words))
    return wait.promise.catch(() => undefined)
  }

  #receive(line: string): void {
    const [mark, ...words] = line.trim().split(' ')
    // A start-up file of the user's shell may print something first.
    if (mark === this.#mark) this.#owed.shift()?.(words)
    else this.#saidSomethingElse = true
  }

  /** No answer comes any more. */
  #abandon(): void {
    for (const owed of this.#owed.splice(0)) owed([])
  }
}
