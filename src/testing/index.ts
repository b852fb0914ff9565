export type {
  AuthAttempt,
  Decision,
  KeyboardInteractiveAttempt,
  NoneAttempt,
  PasswordAttempt,
  PublicKeyAttempt,
  ServerMethod,
} from '../auth/server-attempt.js'
export { HoldfastError } from '../errors.js'
export {
  type BadNetwork,
  type BadNetworkOptions,
  type BadNetworkStats,
  badNetwork,
  type OneWay,
} from './bad-network.js'
export type { Direction } from './conditions.js'
export type { PromptOptions, UserOptions } from './credentials.js'
export type { FlowInfo, FlowState } from './flow.js'
export type { HostKeyInfo, HostKeyOption } from './host-keys.js'
export type { LocalShellOptions, RunningProcess } from './local-shell.js'
export { startServer, type TestServer } from './server.js'
export type { ServerConnection } from './server-connection.js'
export type { ServerOptions } from './server-options.js'
export type { CommandEnd, ServerSession, SessionEvents, SessionHandler, TerminalSize } from './session-handler.js'
