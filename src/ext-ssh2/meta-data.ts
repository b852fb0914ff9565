import type { Readable } from 'node:stream'
import { ScpReadStream } from '../scp/read-stream.js'
import { Ssh2ChannelStream } from './channel-stream.js'
import { Ssh2FileStream } from './sftp-file.js'
import { readableArgument } from './stream-arguments.js'
import { hasEnded } from './stream-failure.js'
import { stateOf } from './stream-state.js'

/** What `stream_get_meta_data()` says of a stream. */
export interface StreamMetaData {
  /** Whether the last read or write ended by `stream_set_timeout()`. */
  readonly timed_out: boolean
  readonly blocked: boolean
  /** Whether all was read that will ever come. */
  readonly eof: boolean
  readonly unread_bytes: number
  readonly stream_type: 'SSH2 Channel' | 'SSH2 SFTP File'
  /** Of a file, as it was opened. */
  readonly mode: string
  /** Whether `fseek()` is for it. */
  readonly seekable: boolean
  /** The exit status of a command; null while it is not known, or where the server has not said or a signal ended it. */
  readonly exit_status: number | null
  /** The signal that ended it, `SIGTERM`; PHP has nothing like it. */
  readonly exit_signal: string | null
}

/** What is known of a stream. With its end comes `exit_status`, which in PHP is 0 also where nobody has said so. */
export function stream_get_meta_data(stream: Readable): StreamMetaData {
  readableArgument(['stream_get_meta_data', 1, 'stream'], stream)
  const state = stateOf(stream)
  const exit = stream instanceof Ssh2ChannelStream ? stream.exit : undefined
  const file = stream instanceof Ssh2FileStream ? stream : undefined
  return {
    timed_out: state?.hasTimedOut ?? false,
    blocked: state?.isBlocking ?? true,
    eof: hasEnded(stream),
    unread_bytes: stream.readableLength,
    stream_type: file === undefined ? 'SSH2 Channel' : 'SSH2 SFTP File',
    mode: file?.mode ?? (stream instanceof ScpReadStream ? 'r' : 'r+'),
    seekable: file !== undefined,
    exit_status: exit?.exitCode ?? null,
    exit_signal: exit?.signal ?? null,
  }
}
