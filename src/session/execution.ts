import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isUint8Array } from 'node:util/types'
import { HoldfastError } from '../errors.js'
import { type Conclusion, conclude, failure, type Gathered } from './conclusion.js'
import { inputError } from './input.js'
import { type CommandInput, type ExecOptions, type ExecSettings, resolveExec } from './options.js'
import type { CommandResult } from './outcome.js'
import { CollectedOutput } from './output.js'
import type { SessionHost } from './port.js'
import { checkCommand } from './program.js'
import { Session } from './session.js'

const none = Buffer.alloc(0)

/** Runs a command to its end, and collects what it writes. @throws CommandError; HoldfastError ERR_SSH_OPTION */
export async function execute(
  command: string,
  options: ExecOptions,
  host: SessionHost,
): Promise<CommandResult<string | Buffer>> {
  const settings = resolveExec(options, host.defaults)
  const execution = new Execution(checkCommand(command), settings, host)
  const { session } = execution
  const exit = await conclude(session, execution)
  const { exitCode, signal, outputOpen, durationMs } = exit
  if (settings.check && exitCode !== 0) throw await failure(session, exitError(exit), execution)
  const { stdout, stderr } = execution.gathered()
  const { refusedEnv } = session.startup
  return { command, stdout, stderr, exitCode, signal, outputOpen, durationMs, refusedEnv }
}

/** A command whose caller waits for its end, and what it has written so far. */
class Execution implements Conclusion {
  readonly host: SessionHost
  readonly origin = new Error('called')
  readonly session: Session
  readonly #command: string
  readonly #settings: ExecSettings
  readonly #stdout: CollectedOutput
  readonly #stderr: CollectedOutput
  /** Bytes that may still be kept. */
  #left: number

  constructor(command: string, settings: ExecSettings, host: SessionHost) {
    const { stdin, maxBuffer } = settings
    const room = (bytes: number) => this.#keep(bytes)
    this.host = host
    this.#command = command
    this.#settings = settings
    this.#stdout = new CollectedOutput(room)
    this.#stderr = new CollectedOutput(room)
    this.#left = maxBuffer
    const isWhole = stdin === undefined || typeof stdin === 'string' || isUint8Array(stdin)
    this.session = new Session(
      {
        host,
        program: { type: 'exec', command },
        settings,
        stdout: this.#stdout,
        stderr: this.#stderr,
        origin: this.origin,
      },
      isWhole ? asBuffer(stdin) : undefined,
    )
    this.session.life.await()
    if (!isWhole) void pipeInput(stdin, this.session)
    void this.session.startup.run()
  }

  gathered(): Gathered {
    const { encoding } = this.#settings
    return { command: this.#command, stdout: this.#stdout.read(encoding), stderr: this.#stderr.read(encoding) }
  }

  /** @returns how many of the bytes that came may be kept */
  #keep(bytes: number): number {
    this.session.consumed(bytes)
    const kept = Math.min(bytes, this.#left)
    this.#left -= kept
    if (kept < bytes) this.session.fail(tooMuch(this.#settings))
    return kept
  }
}

function asBuffer(input: string | Uint8Array | undefined): Buffer {
  if (input === undefined) return none
  if (typeof input === 'string') return Buffer.from(input)
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength)
}

/**
 * From the call on, since what gives the input may fail before the command is started. Whichever of the two ends first
 * ends the other: the input of a command that is over is destroyed.
 */
async function pipeInput(input: Exclude<CommandInput, string | Uint8Array>, session: Session): Promise<void> {
  try {
    const source = asStream(input)
    const givesBytes = 'readableObjectMode' in source && source.readableObjectMode === false
    await (givesBytes ? pipeline(source, session.stdin) : pipeline(source, bytesAlone(), session.stdin))
  } catch (cause) {
    // Where the command ends before its input does, the session has an end already and this is no failure of it.
    session.fail(inputError(cause))
  }
}

/** As a stream an iterator is let go of also while it is asked for more. */
function asStream(input: AsyncIterable<string | Uint8Array>): AsyncIterable<string | Uint8Array> {
  return 'pipe' in input ? input : Readable.from(input)
}

/** Given anything else, a stream of bytes throws where nobody could catch it, and ends the program. */
function bytesAlone(): Transform {
  return new Transform({
    writableObjectMode: true,
    // By itself it holds 16 pieces, however large.
    writableHighWaterMark: 1,
    transform(chunk: unknown, _encoding, done) {
      if (typeof chunk === 'string' || isUint8Array(chunk)) done(null, chunk)
      else done(new TypeError(`${typeof chunk} came, where text or bytes are needed`))
    },
  })
}

function tooMuch({ maxBuffer }: ExecSettings): HoldfastError {
  return new HoldfastError('ERR_SSH_MAX_BUFFER', `the output grew beyond maxBuffer (${maxBuffer} bytes)`)
}

function exitError({
  exitCode,
  signal,
}: {
  readonly exitCode: number | null
  readonly signal: string | null
}): HoldfastError {
  const how =
    signal === null ? (exitCode === null ? 'without saying how' : `with exit code ${exitCode}`) : `by ${signal}`
  return new HoldfastError('ERR_SSH_EXIT', `the command ended ${how}`)
}
