import type { ChildProcess } from 'node:child_process'
import net from 'node:net'
import { Duplex, type Readable, type Writable } from 'node:stream'
import { HoldfastError } from '../errors.js'
import { Deadlines } from '../liveness/deadlines.js'
import { Waits } from '../liveness/waits.js'
import { printable } from '../wire/printable.js'
import { Scheduler, systemClock } from './scheduler.js'
import { signalGroup, spawnInShell } from './shell.js'

/** How long a command may take to end after it was asked to, or after it closed its output. */
const graceMs = 1000
/** The end of what the command wrote to stderr is told in its error. */
const stderrCharacters = 400
/** A few escapes must not cut off the end, which says what went wrong. */
const maxShown = 2 * stderrCharacters

type WriteCallback = (error: Error | null) => void

interface Pipes {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/**
 * A command whose stdin and stdout are the connection (`ProxyCommand` of ssh_config). Like a socket, it ends its writing
 * side when the other end closes. Destroyed, it closes both pipes and ends the command with all that it started: TERM,
 * then KILL a second later; nothing waits for that.
 *
 * Its errors are HoldfastErrors: ERR_SSH_CONNECT before the first byte came, then ERR_SSH_CONNECTION_LOST.
 */
export class ProxyCommand extends Duplex {
  readonly #child: ChildProcess
  /** Missing when the command could not be started. */
  readonly #pipes: Pipes | undefined
  #stderr = ''
  #heard = false
  #ending = false
  /** Of the write that the pipe has not taken yet. */
  #unwritten: WriteCallback | undefined

  /** @throws HoldfastError ERR_SSH_OPTION when it can be no command line */
  constructor(command: string) {
    super({ allowHalfOpen: false })
    this.#child = spawnInShell(command)
    this.#child.once('error', (cause) => this.destroy(this.#lost(`could not be started: ${cause.message}`, cause)))
    this.#pipes = pipesOf(this.#child)
    if (this.#pipes !== undefined) this.#connect(this.#pipes)
  }

  ref(): this {
    this.#hold('ref')
    return this
  }

  unref(): this {
    this.#hold('unref')
    return this
  }

  override _read(): void {
    this.#pipes?.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#unwritten = callback
    this.#pipes?.stdin.write(chunk, (error) => {
      // Its exit, which comes next, says more than a broken pipe: destroy() calls back.
      if (error) this.#end()
      else this.#written(null)
    })
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: WriteCallback): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', callback)
  }

  override _final(callback: () => void): void {
    if (this.#pipes === undefined) callback()
    else this.#pipes.stdin.end(() => callback())
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const { stdin, stdout, stderr } = this.#pipes ?? {}
    for (const pipe of [stdin, stdout, stderr]) pipe?.destroy()
    void kill(this.#child)
    callback(error)
    this.#written(error ?? new Error('the proxy command was closed'))
  }

  #written(error: Error | null): void {
    const callback = this.#unwritten
    this.#unwritten = undefined
    callback?.(error)
  }

  #connect({ stdin, stdout, stderr }: Pipes): void {
    for (const pipe of [stdin, stdout, stderr]) pipe.on('error', () => this.#end())
    stdout.on('data', (chunk: Buffer) => {
      this.#heard = true
      if (!this.push(chunk)) stdout.pause()
    })
    stdout.once('end', () => this.#end())
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharacters)
    })
  }

  #hold(how: 'ref' | 'unref'): void {
    this.#child[how]()
    const { stdin, stdout, stderr } = this.#pipes ?? {}
    for (const pipe of [stdin, stdout, stderr]) if (pipe instanceof net.Socket) pipe[how]()
  }

  /** The command closed one of its ends: its exit and the last words on its stderr follow, if it ends at all. */
  #end(): void {
    if (this.#ending || this.destroyed) return
    this.#ending = true
    void this.#last()
  }

  async #last(): Promise<void> {
    const closed = await happens(this.#child, 'close', graceMs)
    if (closed && this.#child.exitCode === 0 && this.#heard) this.push(null)
    else this.destroy(this.#lost(closed ? fate(this.#child) : 'closed its end but did not exit'))
  }

  #lost(what: string, cause?: Error): HoldfastError {
    const said = this.#stderr.trim() === '' ? '' : `; it said: ${printable(this.#stderr, maxShown)}`
    const code = this.#heard ? 'ERR_SSH_CONNECTION_LOST' : 'ERR_SSH_CONNECT'
    return new HoldfastError(code, `the proxy command ${what}${said}`, {
      ...(this.#heard ? {} : { phase: 'tcp', hint: 'run the command by itself to see what it says' }),
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

function pipesOf({ stdin, stdout, stderr }: ChildProcess): Pipes | undefined {
  return stdin && stdout && stderr ? { stdin, stdout, stderr } : undefined
}

function fate({ exitCode, signalCode }: ChildProcess): string {
  return signalCode === null ? `exited with code ${exitCode}` : `was ended by ${signalCode}`
}

async function kill(child: ChildProcess): Promise<void> {
  const running = child.pid !== undefined && child.exitCode === null && child.signalCode === null
  if (!running) return
  // What it started and left behind goes with it.
  child.once('exit', () => signalGroup(child, 'SIGKILL'))
  signalGroup(child, 'SIGTERM')
  if (await happens(child, 'exit', graceMs)) return
  signalGroup(child, 'SIGKILL')
  child.unref()
}

/**
 * Whether the event comes within the limit. It holds the process meanwhile, on a scheduler of its own: that of the
 * connection has stopped by then.
 */
async function happens(child: ChildProcess, event: 'exit' | 'close', limitMs: number): Promise<boolean> {
  const deadlines = new Deadlines()
  const waits = new Waits({ now: systemClock.now, lastTrafficAt: () => 0, errorDetails: () => ({}) }, deadlines)
  const scheduler = new Scheduler({ deadlines, waits, onWake: () => {}, onDisturbed: () => {} })
  const what = `the ${event} of the proxy command`
  const wait = waits.start<void>({ limit: 'close', limitMs, clock: 'call', phase: 'close', what })
  const happened = () => wait.resolve()
  child.once(event, happened)
  try {
    await wait.promise
    return true
  } catch {
    return false
  } finally {
    child.off(event, happened)
    scheduler.stop()
  }
}
