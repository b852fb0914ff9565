import type { AskPrompts } from './auth-methods.js'
import type { Channel } from './channel.js'
import type { Ssh2Error } from './errors.js'
import type { Handshake } from './negotiated.js'
import type { ParsedKey } from './parsed-key.js'

export interface TcpConnectionDetails {
  readonly destIP: string
  readonly destPort: number
  readonly srcIP: string
  readonly srcPort: number
}

export interface UnixConnectionDetails {
  readonly socketPath: string
}

export interface X11Details {
  readonly srcIP: string
  readonly srcPort: number
}

type Accept = () => Channel
type Reject = () => void

/** The events of a `Client`, as ssh2 has them. */
export interface ClientEvents {
  connect: []
  greeting: [greeting: string]
  banner: [message: string]
  handshake: [negotiated: Handshake]
  ready: []
  hostkeys: [keys: readonly ParsedKey[]]
  'keyboard-interactive': Parameters<AskPrompts>
  'change password': [message: string, done: (password: string) => void]
  'tcp connection': [details: TcpConnectionDetails, accept: Accept, reject: Reject]
  'unix connection': [details: UnixConnectionDetails, accept: Accept, reject: Reject]
  x11: [details: X11Details, accept: Accept, reject: Reject]
  timeout: []
  error: [error: Ssh2Error]
  end: []
  close: []
}
