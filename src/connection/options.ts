import type { AuthPort } from '../auth/port.js'
import type { TransportOptions } from '../kex/transport.js'
import type { HostMemory } from '../liveness/probe-memory.js'
import type { KeepaliveSettings } from '../liveness/settings.js'
import type { Facts } from './facts.js'
import type { PeerHandlers } from './mux.js'
import type { Authenticator } from './services.js'

export type ConnectionLimits = TransportOptions['limits'] &
  Readonly<Record<'channelOpen' | 'reply' | 'channelClose', number>>

export interface ConnectionOptions extends TransportOptions {
  readonly facts: Facts
  readonly limits: ConnectionLimits
  readonly authenticator: (port: AuthPort) => Authenticator
  readonly handlers: PeerHandlers
  readonly keepalive: KeepaliveSettings
  readonly probeMemory: HostMemory
  /** What the peer may send on a channel before its consumer took any of it. */
  readonly window: number
  /** What that grows to where a far and fast link uses it up, at most; the same for none. */
  readonly windowMax: number
}
