import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../errors.js'
import { type Conclusion, conclude, failure } from './conclusion.js'
import { inputError } from './input.js'
import type { CommandInput, ExecSettings } from './options.js'
import type { CommandResult } from './outcome.js'
import { CollectedOutput } from './output.js'
import type { SessionHost } from './port.js'
import type { Program } from './program.js'
import { Session } from './session.js'

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
  const session: Session = new Session({ ...host, program, settings, stdout, stderr })
  const { encoding } = settings
  const gathered = () => ({ command: program.command, stdout: stdout.read(encoding), stderr: stderr.read(encoding) })
  const conclusion: Conclusion = { ...host, origin: new Error('called'), gathered }
  session.await()
  giveInput(session, settings.stdin)
  void session.start()
  const exit = await conclude(session, conclusion)
  if (settings.check && exit.exitCode !== 0) throw await failure(session, exitError(exit), conclusion)
  return { ...gathered(), ...exit, refusedEnv: session.refusedEnv }
}

/**
 * From the call on, since what gives the input may fail before the command is started. Whichever of the two ends first
 * ends the other: the input of a command that is over is destroyed.
 */
function giveInput(session: Session, input: CommandInput | undefined): void {
  const { stdin } = session
  if (input === undefined) stdin.end()
  else if (typeof input === 'string' || input instanceof Uint8Array) stdin.end(input)
  // Where the command ends before its input does, the session has an end already and this is no failure of it.
  else pipeline(asStream(input), stdin).catch((cause: unknown) => session.fail(inputError(cause)))
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
