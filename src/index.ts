export type { AskPerson } from './auth/prompt.js'
export { Client, type ClientEvents, type CloseOptions } from './client/client.js'
export type { IgnoredKeyword } from './client/config/keywords.js'
export { connect } from './client/connect.js'
export type { HostKeysEvent } from './client/host-key-updates.js'
export type { ClientKeepalive, ProbeOptions } from './client/keepalive.js'
export type { LimitOptions, Limits } from './client/limits.js'
export type { ClientState } from './client/line.js'
export type {
  AlgorithmOptions,
  ConnectOptions,
  Hop,
  HostKeyOptions,
  HostKeyQuestion,
  OpenStream,
  RekeyOptions,
  SocketOptions,
} from './client/options.js'
export type { OptionValue } from './client/policy/kinds.js'
export type { OptionInForce, OptionLayer, OptionOrigin, PolicyStats } from './client/policy/origins.js'
export { type DefaultOptions, setDefaults } from './client/policy/set-defaults.js'
export type { ReconnectOptions } from './client/reconnect/options.js'
export type { ReconnectAttempt, Reconnection } from './client/reconnect/redial.js'
export type { ChannelStats, ClientStats, ConnectionStats, ReconnectStats } from './client/stats.js'
export type { DiagnosticsMessages } from './diagnostics.js'
export { type Delivery, type ErrorCode, type Evidence, HoldfastError, type LimitName, type Phase } from './errors.js'
export type { Forward, ForwardEvents, ForwardedConnection, ForwardStats } from './forward/forward.js'
export type {
  DynamicForwardOptions,
  ForwardAddress,
  ForwardOptions,
  ListenOptions,
  RemoteForwardOptions,
  TakeConnection,
} from './forward/listen-options.js'
export type { ConnectToOptions, TunnelOptions, TunnelTarget } from './forward/options.js'
export type { Tunnel } from './forward/tunnel.js'
export type { NegotiatedAlgorithms } from './kex/negotiation.js'
export type { Agent, AgentIdentity } from './keys/agent.js'
export type { PublicKey } from './keys/public-key.js'
export type { Duration } from './liveness/duration.js'
export type { ProbeAnswer } from './liveness/keepalive.js'
export type { Liveness, LivenessChange, LivenessState, ProbeKind } from './liveness/port.js'
export type {
  KeepaliveOption,
  KeepaliveOptions,
  KeepaliveSettings,
  TcpKeepaliveOptions,
  TcpKeepaliveSettings,
} from './liveness/settings.js'
export type { ScpOptions, ScpPutOptions, ScpResult } from './scp/options.js'
export type { Scp } from './scp/scp.js'
export { ScpError } from './scp/scp-error.js'
export type { Command } from './session/command.js'
export type { CommandInput, ExecOptions, SecondSession, ShellOptions, SpawnOptions } from './session/options.js'
export {
  type CommandEnding,
  CommandError,
  type CommandExit,
  type CommandResult,
  type RemoteState,
} from './session/outcome.js'
export type { PtyOptions, TerminalMode } from './session/pty.js'
export type { SessionStats } from './session/sessions.js'
export type { Dir } from './sftp/directory.js'
export type { Dirent } from './sftp/dirent.js'
export type { Identifiers, OwnerNames } from './sftp/extension-data.js'
export type {
  FileHandle,
  ReadFileOptions,
  ReadWholeOptions,
  TransferArguments,
  TransferOptions,
  WriteFileOptions,
} from './sftp/file-handle.js'
export type { FileSystemStats } from './sftp/file-system.js'
export type { OpenFlags } from './sftp/open-flags.js'
export type { MkdirOptions, ReaddirOptions, RmOptions } from './sftp/paths.js'
export type { ReadStream, ReadStreamOptions } from './sftp/read-stream.js'
export type { CallOptions, FileTime, OpenOptions, RemotePath } from './sftp/settings.js'
export type { Sftp, WriteOptions } from './sftp/sftp.js'
export { SftpError } from './sftp/sftp-error.js'
export type { Stats } from './sftp/stats.js'
export type {
  SkippedEntry,
  TransferProgress,
  TransferResult,
  TransferTreeOptions,
  Verify,
} from './sftp/transfer-options.js'
export type { WriteData } from './sftp/whole-file.js'
export type { WriteStream, WriteStreamOptions } from './sftp/write-stream.js'
export type { Lookup } from './socket/resolve.js'
export type { TcpKeepalive, TcpKeepaliveValues } from './socket/tcp-keepalive.js'
export type { InfoRequest } from './wire/auth-messages.js'
export type { TerminalSize } from './wire/session-messages.js'
