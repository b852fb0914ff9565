import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Link } from '../client/link.js'
import type { ChannelSink } from '../connection/channel.js'
import { maxPacket } from '../connection/openings.js'
import { asHoldfastError } from '../errors.js'
import type { Command } from '../session/command.js'
import { type CommandLimit, commandLimits, type SpawnOptions } from '../session/options.js'
import type { CommandExit } from '../session/outcome.js'
import { extendedDataStderr } from '../wire/connection-messages.js'
import { decodeSignal, decodeWindowChange, encodeExitSignal, encodeExitStatus } from '../wire/session-messages.js'
import type { Channel } from './channel.js'
import type { ChannelPort } from './channel-port.js'
import { envText, numberOr } from './channel-requests.js'
import { callError, openingError, ssh2Error } from './errors.js'
import { type Program, refusal } from './program.js'
import { sessionsFor } from './sessions-of.js'
import { namedModes } from './terminal-modes.js'

/** What may wait here for a program that does not read. */
const highWaterBytes = 2 * 1024 * 1024

/** Whether a policy sets a limit on how commands run: then they are ended on the remote side too. */
export function hasCommandLimits({ settings }: Link): boolean {
  return commandLimits.some((name: CommandLimit) => settings.limits[name] !== false)
}

/**
 * @param forwardsAgent whether it is lent the program's agent
 * @throws Ssh2Error with the texts of ssh2
 */
export async function startLimited(
  link: Link,
  stream: Channel,
  program: Program,
  forwardsAgent: boolean,
): Promise<void> {
  const end = new AbortController()
  try {
    const command = await spawn(link, program, { forwardAgent: forwardsAgent, signal: end.signal })
    const port = new CommandPort(command, () => end.abort())
    port.deliver(stream.attach(port))
  } catch (error) {
    const opening = openingError(error)
    throw opening.reason === undefined ? callError(asHoldfastError(error), ssh2Error(refusal(program))) : opening
  }
}

function spawn(link: Link, program: Program, further: Pick<SpawnOptions, 'forwardAgent' | 'signal'>): Promise<Command> {
  const sessions = sessionsFor(link)
  const { type, text = '' } = program
  const options: SpawnOptions = { env: textsOf(program.env), pty: terminalOf(program.pty), ...further }
  if (type === 'shell') return sessions.shell(options)
  return type === 'exec' ? sessions.spawn(text, options) : sessions.subsystem(text, options)
}

function textsOf(env: unknown): Record<string, string> {
  if (typeof env !== 'object' || env === null) return {}
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, envText(value)]))
}

function terminalOf(pty: unknown): SpawnOptions['pty'] {
  if (pty !== true && (typeof pty !== 'object' || pty === null)) return false
  const field = (name: string): unknown => (pty === true ? undefined : Reflect.get(pty, name))
  const [term, rows, columns] = [field('term'), field('rows'), field('cols')]
  return {
    term: typeof term === 'string' ? term : 'vt100',
    rows: cells(rows, 24),
    columns: cells(columns, 80),
    modes: namedModes(field('modes')),
  }
}

/** ssh2 lets a program say 0, which means nothing to a terminal. */
function cells(value: unknown, otherwise: number): number {
  return numberOr(value, otherwise) || otherwise
}

/** A command under limits, in the place of a channel. */
class CommandPort implements ChannelPort {
  readonly localId = 0
  readonly remoteId = 0
  readonly remoteMaxPacket = maxPacket
  readonly receiveWindow = highWaterBytes
  readonly #command: Command
  readonly #end: () => void
  #unread = 0
  #isOpen = true

  constructor(command: Command, end: () => void) {
    this.#command = command
    this.#end = end
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get sendWindow(): number {
    return this.#command.stdin.writableNeedDrain ? 0 : highWaterBytes
  }

  /** Whatever the command writes, and how it ends, goes there. */
  deliver(sink: ChannelSink): void {
    const { stdout, stderr } = this.#command
    this.#read(stdout, (bytes) => sink.data(bytes))
    this.#read(stderr, (bytes) => sink.extendedData(extendedDataStderr, bytes))
    void this.#follow(sink)
  }

  write(data: Buffer, sent?: () => void): void {
    this.#command.stdin.write(data, (error) => {
      if (!error) sent?.()
    })
  }

  eof(): void {
    this.#command.stdin.end()
  }

  async close(): Promise<void> {
    if (this.#isOpen) this.#end()
    await this.#command.exited.catch(() => {})
  }

  consumed(bytes: number): void {
    this.#unread -= bytes
    if (this.#unread > highWaterBytes) return
    this.#command.stdout.resume()
    this.#command.stderr.resume()
  }

  notify(type: string, data: Buffer): void {
    if (type === 'signal') this.#command.kill(decodeSignal(data))
    else if (type === 'window-change') {
      const { rows, columns } = decodeWindowChange(data)
      this.#command.resize({ rows: cells(rows, 24), columns: cells(columns, 80) })
    }
  }

  #read(output: Readable, came: (bytes: Buffer) => void): void {
    output.on('data', (bytes: Buffer) => {
      this.#unread += bytes.length
      if (this.#unread > highWaterBytes && this.#isOpen) output.pause()
      came(bytes)
    })
  }

  async #follow(sink: ChannelSink): Promise<void> {
    const { stdout, stderr, exited } = this.#command
    const read = Promise.allSettled([finished(stdout), finished(stderr)])
    try {
      const exit = await exited
      this.#isOpen = false
      // All that it wrote comes before its end, however slowly the program reads: what is left here is no more than a window.
      stdout.resume()
      stderr.resume()
      await read
      tellEnd(sink, exit)
    } catch (error) {
      this.#isOpen = false
      sink.lost(asHoldfastError(error))
    }
  }
}

function tellEnd(sink: ChannelSink, { exitCode, signal }: CommandExit): void {
  if (exitCode !== null) sink.request('exit-status', encodeExitStatus(exitCode), false)
  else if (signal !== null) sink.request('exit-signal', encodeExitSignal(signal.replace(/^SIG/, '')), false)
  sink.eof()
  sink.closed()
}
