export { ssh2_last_error } from './answer.js'
export {
  ssh2_auth_agent,
  ssh2_auth_hostbased_file,
  ssh2_auth_none,
  ssh2_auth_password,
  ssh2_auth_pubkey,
  ssh2_auth_pubkey_file,
} from './auth.js'
export type { Ssh2Callbacks } from './callbacks.js'
export { ssh2_fetch_stream, ssh2_send_eof, ssh2_send_signal, ssh2_shell_resize } from './channel.js'
export type { Ssh2ChannelStream } from './channel-stream.js'
export { fclose } from './closing.js'
export { ssh2_connect, ssh2_disconnect } from './connect.js'
export * from './constants.js'
export type { HoldfastContext, SocketContext, Ssh2Context } from './context.js'
export { type Ssh2Env, ssh2_exec, ssh2_shell } from './exec.js'
export { fseek, ftell, rewind } from './file-position.js'
export { type DirectionMethods, type MethodsNegotiated, ssh2_fingerprint, ssh2_methods_negotiated } from './host.js'
export { ini_get, ini_restore, ini_set, type Ssh2Ini } from './ini.js'
export { ssh2_keepalive_config, ssh2_keepalive_send, ssh2_set_timeout } from './keepalive.js'
export { type Ssh2Listener, ssh2_forward_accept, ssh2_forward_listen, ssh2_forward_port } from './listener.js'
export { type StreamMetaData, stream_get_meta_data } from './meta-data.js'
export type { DirectionMethodLists, Ssh2Methods } from './methods.js'
export { type OpenedStreams, type OpenOptions, open, type Ssh2UrlOptions } from './open.js'
export { type PollDescriptor, ssh2_poll } from './poll.js'
export {
  type Ssh2ListedKey,
  type Ssh2Publickey,
  type Ssh2PublickeyAttributes,
  ssh2_publickey_add,
  ssh2_publickey_init,
  ssh2_publickey_list,
  ssh2_publickey_remove,
} from './publickey.js'
export { feof, fgets, fread, stream_get_contents } from './reading.js'
export { type ScandirOptions, scandir } from './scandir.js'
export { ssh2_scp_recv, ssh2_scp_send } from './scp.js'
export type { Ssh2Session } from './session.js'
export { type Ssh2Sftp, ssh2_sftp } from './sftp.js'
export type { Ssh2FileStream } from './sftp-file.js'
export {
  type SftpPath,
  type SftpStat,
  ssh2_sftp_chmod,
  ssh2_sftp_lstat,
  ssh2_sftp_mkdir,
  ssh2_sftp_readlink,
  ssh2_sftp_realpath,
  ssh2_sftp_rename,
  ssh2_sftp_rmdir,
  ssh2_sftp_stat,
  ssh2_sftp_symlink,
  ssh2_sftp_unlink,
} from './sftp-paths.js'
export type { StderrStream } from './stderr-stream.js'
export { stream_set_blocking, stream_set_timeout } from './stream-settings.js'
export { ssh2_tunnel } from './tunnel.js'
export { fwrite } from './writing.js'
