export { ssh2_last_error } from './answer.js'
export { ssh2_auth_password } from './auth.js'
export { ssh2_fetch_stream, ssh2_send_eof, ssh2_send_signal, ssh2_shell_resize } from './channel.js'
export type { Ssh2ChannelStream } from './channel-stream.js'
export { ssh2_connect, ssh2_disconnect } from './connect.js'
export * from './constants.js'
export { type Ssh2Env, ssh2_exec, ssh2_shell } from './exec.js'
export {
  fclose,
  feof,
  fgets,
  fread,
  fwrite,
  type StreamMetaData,
  stream_get_contents,
  stream_get_meta_data,
  stream_set_blocking,
  stream_set_timeout,
} from './php-streams.js'
export type { Ssh2Session } from './session.js'
export type { StderrStream } from './stderr-stream.js'
