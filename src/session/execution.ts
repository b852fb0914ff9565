import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../errors.js'
import { type Conclusion, endFailed, failure } from './conclusion.js'
import { inputError } from './input.js'
import type { CommandInput, ExecSettings } from './options.js'
import type { CommandExit, CommandResult } from './outcome.js'
import { CollectedOutput } from './output.js'
import type { SessionHost } from './port.js'
import type { Program } from './program.js'
import { Session } from './session.js'

const none = Buffer.alloc(0)

/** Runs a command to its end, and collects what it writes. @throws CommandError */
export async function execute(
  program: Extract<Program, { type: 'exec' }>,
  settings: ExecSettings,
  host: SessionHost,
): Promise<CommandResult<string | Buffer>> {
  let left = settings.maxBuffer
  const room = (bytes: number) => {
    session.consumed(bytes)
    const kept = Math.min(bytes, left)
    left -= kept
    if (kept < bytes) session.fail(tooMuch(settings))
    return kept
  }
  const stdout = new CollectedOutput(room)
  const stderr = new CollectedOutput(room)
  const { encoding, stdin = none } = settings
  const origin = new Error('called')
  const isWhole = typeof stdin === 'string' || stdin instanceof Uint8Array
  const session: Session = new Session(
    { host, program, settings, stdout, stderr, origin },
    isWhole ? asBuffer(stdin) : undefined,
  )
  const gathered = () => ({ command: program.command, stdout: stdout.read(encoding), stderr: stderr.read(encoding) })
  const conclusion = (): Conclusion => ({ host, origin, gathered })
  session.await()
  if (!isWhole) pipeInput(stdin, session)
  void session.start()
  let exit: CommandExit
  try {
    exit = await session.end
  } catch (cause) {
    throw await endFailed(session, cause, conclusion())
  }
  if (settings.check && exit.exitCode !== 0) throw await failure(session, exitError(exit), conclusion())
  return { ...gathered(), ...exit, refusedEnv: session.refusedEnv }
}

function asBuffer(input: string | Uint8Array): Buffer {
  if (typeof input === 'string') return Buffer.from(input)
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength)
}

/**
 * From the call on, since what gives the input may fail before the command is started. Whichever of the two ends first
 * ends the other: the input of a command that is over is destroyed.
 */
function pipeInput(input: Exclude<CommandInput, string | Uint8Array>, session: Session): void {
  // Where the command ends before its input does, the session has an end already and this is no failure of it.
  pipeline(asStream(input), session.stdin).catch((cause: unknown) => session.fail(inputError(cause)))
}

/** As a stream an iterator is let go of also while it is asked for more. */
function asStream(input: AsyncIterable<string | Uint8Array>): AsyncIterable<string | Uint8Array> {
  return 'pipe' in input ? input : Readable.from(input)
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
