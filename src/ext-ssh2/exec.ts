import type { Command } from '../session/command.js'
import type { PtyOptions } from '../session/pty.js'
import { warn } from './answer.js'
import { arrayArgument, intArgument, isNumericIndex, type Place, stringArgument } from './arguments.js'
import { Ssh2ChannelStream } from './channel-stream.js'
import {
  SSH2_DEFAULT_TERM_HEIGHT,
  SSH2_DEFAULT_TERM_UNIT,
  SSH2_DEFAULT_TERM_WIDTH,
  SSH2_DEFAULT_TERMINAL,
  SSH2_TERM_UNIT_CHARS,
} from './constants.js'
import { onClient, peerOf, type Ssh2Session } from './session.js'
import { register } from './stream-state.js'

/** Variables for a remote program, of which servers take few (sshd: AcceptEnv). */
export type Ssh2Env = Readonly<Record<string, string | number>>

/**
 * Runs a command: its stream gives what it writes and takes what it reads. `pty` and `env` may come the other way round.
 * @param pty the name of a terminal for it @default none
 * @param width_height_type with SSH2_TERM_UNIT_PIXELS the terminal has its size by default: pixels are not told to the server
 * @throws TypeError
 */
export async function ssh2_exec(
  session: Ssh2Session,
  command: string,
  pty: string | Ssh2Env | null = null,
  env: Ssh2Env | string | null = null,
  width = SSH2_DEFAULT_TERM_WIDTH,
  height = SSH2_DEFAULT_TERM_HEIGHT,
  width_height_type = SSH2_DEFAULT_TERM_UNIT,
): Promise<Ssh2ChannelStream | false> {
  const name = 'ssh2_exec'
  stringArgument([name, 2, 'command'], command)
  const isOldStyle = typeof pty === 'object' && pty !== null
  const [term, variables] = isOldStyle ? [env, pty] : [pty, env]
  const terminal = term === null ? null : stringArgument([name, isOldStyle ? 4 : 3, 'pty'], term)
  const wanted = envArgument([name, isOldStyle ? 3 : 4, 'env'], variables)
  const size = sizeArguments(name, 5, [width, height, width_height_type])
  const says = 'Unable to request command execution on remote host'
  const hasPty = terminal !== null
  return onClient({ name, says }, session, {
    start: async (client, signal) => {
      const pseudoTerminal = hasPty && { term: terminal, ...size }
      const started = await client.spawn(command, { env: wanted, pty: pseudoTerminal, signal })
      return streamOf(name, session, started, { env: wanted, hasPty })
    },
    undo: (stream) => stream.destroy(),
  })
}

/**
 * Starts the user's shell with a terminal.
 * @param width_height_type with SSH2_TERM_UNIT_PIXELS the terminal has its size by default: pixels are not told to the server
 * @throws TypeError
 */
export async function ssh2_shell(
  session: Ssh2Session,
  termtype: string = SSH2_DEFAULT_TERMINAL,
  env: Ssh2Env | null = null,
  width = SSH2_DEFAULT_TERM_WIDTH,
  height = SSH2_DEFAULT_TERM_HEIGHT,
  width_height_type = SSH2_DEFAULT_TERM_UNIT,
): Promise<Ssh2ChannelStream | false> {
  const name = 'ssh2_shell'
  const term = stringArgument([name, 2, 'termtype'], termtype)
  const wanted = envArgument([name, 3, 'env'], env)
  const size = sizeArguments(name, 4, [width, height, width_height_type])
  return onClient({ name, says: 'Unable to request shell from remote host' }, session, {
    start: async (client, signal) => {
      const started = await client.shell({ env: wanted, pty: { term, ...size }, signal })
      return streamOf(name, session, started, { env: wanted, hasPty: true })
    },
    undo: (stream) => stream.destroy(),
  })
}

function streamOf(
  name: string,
  session: Ssh2Session,
  command: Command,
  { env, hasPty }: { readonly env: Readonly<Record<string, string>>; readonly hasPty: boolean },
): Ssh2ChannelStream {
  // PHP's text has the value too, which may be a secret.
  for (const variable of command.refusedEnv)
    if (variable in env) warn(name, `Failed setting ${variable} on remote end: the server does not take it`)
  const peer = peerOf(name, session)
  return register(new Ssh2ChannelStream(command, { hasPty, waits: peer.link.timing.waits }), session, peer)
}

function envArgument(place: Place, given: unknown): Readonly<Record<string, string>> {
  const env: Record<string, string> = {}
  for (const [variable, value] of arrayArgument(place, given)) {
    if (isNumericIndex(variable)) warn(place[0], 'Skipping numeric index in environment array')
    else env[variable] = String(value)
  }
  return env
}

function sizeArguments(
  name: string,
  position: number,
  [width, height, type]: readonly [unknown, unknown, unknown],
): Pick<PtyOptions, 'columns' | 'rows'> {
  const columns = intArgument([name, position, 'width'], width)
  const rows = intArgument([name, position + 1, 'height'], height)
  const unit = intArgument([name, position + 2, 'width_height_type'], type)
  return unit === SSH2_TERM_UNIT_CHARS ? { columns, rows } : {}
}
