import { type Readable, Stream } from 'node:stream'
import { orFalseNow } from './answer.js'
import { intArgument, stringArgument, wrongType } from './arguments.js'
import { Ssh2ChannelStream } from './channel-stream.js'
import { SSH2_STREAM_STDERR, SSH2_STREAM_STDIO } from './constants.js'
import type { Ssh2Session } from './session.js'
import type { StderrStream } from './stderr-stream.js'
import { register, stateOf } from './stream-state.js'
import { wrongOption } from './wrong-option.js'

/**
 * The other stream of a command: SSH2_STREAM_STDERR; SSH2_STREAM_STDIO is the stream itself.
 * @throws TypeError
 */
export function ssh2_fetch_stream(channel: Readable, streamid: number): Ssh2ChannelStream | StderrStream | false {
  const name = 'ssh2_fetch_stream'
  intArgument([name, 2, 'streamid'], streamid)
  return onChannel(name, channel, (stream, session) => {
    if (streamid === SSH2_STREAM_STDIO) return stream
    if (streamid !== SSH2_STREAM_STDERR)
      throw wrongOption('Invalid stream ID requested', 'it is SSH2_STREAM_STDIO or SSH2_STREAM_STDERR')
    const state = stateOf(stream)
    const stderr = stream.stderr.fetched()
    if (state !== undefined && stateOf(stderr) === undefined) register(stderr, session, state.peer)
    return stderr
  })
}

/** Ends the input of a command, behind what was written. @throws TypeError */
export function ssh2_send_eof(channel: Readable): boolean {
  return onChannel('ssh2_send_eof', channel, (stream) => {
    stream.end()
    return true
  })
}

/**
 * Sends a signal, of which nothing is heard again: sshd drops it for forced commands, and up to version 9.7 for root.
 * @param signal without SIG: `TERM`
 * @throws TypeError
 */
export function ssh2_send_signal(channel: Readable, signal: string): boolean {
  const name = 'ssh2_send_signal'
  stringArgument([name, 2, 'signal'], signal)
  return onChannel(name, channel, (stream) => {
    stream.command.kill(signal)
    return true
  })
}

/** Tells a program the size of its terminal, in characters: what is said in pixels is not passed on. @throws TypeError */
export function ssh2_shell_resize(
  channel: Readable,
  width: number,
  height: number,
  width_px = 0,
  height_px = 0,
): boolean {
  const name = 'ssh2_shell_resize'
  const columns = intArgument([name, 2, 'width'], width)
  const rows = intArgument([name, 3, 'height'], height)
  intArgument([name, 4, 'width_px'], width_px)
  intArgument([name, 5, 'height_px'], height_px)
  return onChannel(name, channel, (stream) => {
    stream.command.resize({ columns, rows })
    return true
  })
}

function onChannel<T>(
  name: string,
  channel: Readable,
  work: (stream: Ssh2ChannelStream, session: Ssh2Session) => T,
): T | false {
  if (!(channel instanceof Stream)) throw wrongType([name, 1, 'channel'], 'resource', channel)
  const state = channel instanceof Ssh2ChannelStream ? stateOf(channel) : undefined
  const of = state === undefined ? [] : [channel, state.session]
  return orFalseNow({ name, of }, () => {
    if (!(channel instanceof Ssh2ChannelStream) || state === undefined)
      throw wrongOption('Provided stream is not of type SSH2 Channel', 'give a stream of ssh2_exec() or ssh2_shell()')
    return work(channel, state.session)
  })
}
