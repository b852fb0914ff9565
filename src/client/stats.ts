import type { NegotiatedAlgorithms } from '../kex/negotiation.js'
import type { Liveness } from '../liveness/port.js'
import type { KeepaliveSettings } from '../liveness/settings.js'
import type { SessionStats } from '../session/sessions.js'
import type { TcpKeepalive } from '../socket/tcp-keepalive.js'
import type { IgnoredKeyword } from './config/keywords.js'
import type { Limits } from './limits.js'
import type { ClientState, Line } from './line.js'
import type { Link } from './link.js'
import { type PolicyStats, policyStats } from './policy/origins.js'

/** One channel, as `stats()` shows it. Windows in bytes. */
export interface ChannelStats {
  /** What the peer lets us send: 0 while its program does not read. */
  readonly sendWindow: number
  /** What we let the peer send: 0 while our program does not read. */
  readonly receiveWindow: number
  /** What our program has written and that has not gone out. */
  readonly unsentBytes: number
  /** Closed on this side, and not yet by the peer: it still has its place in the server's MaxSessions. */
  readonly abandoned: boolean
}

/** How it stands with the making anew of a lost connection. */
export interface ReconnectStats {
  readonly state: ClientState
  /** The attempt that is planned or under way; 0 where none is. */
  readonly attempt: number
  /** How many connections there have been, the first included. */
  readonly connections: number
  /** Calls that wait for the next one. */
  readonly waiting: number
}

/** What there is to know of a connection, at this moment. */
export interface ConnectionStats {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly negotiated: NegotiatedAlgorithms | undefined
  /** How often keys have been exchanged, by either side's wish, the first time included. */
  readonly keyExchanges: number
  readonly liveness: Liveness
  /** The keepalive as it holds, in milliseconds. */
  readonly keepalive: KeepaliveSettings
  /** SO_KEEPALIVE as it holds, which some Nodes cannot set as wanted; undefined where the stream is no socket. */
  readonly tcpKeepalive: TcpKeepalive | undefined
  /** Milliseconds. */
  readonly limits: Limits
  /** Who says so, option by option: what a policy or the environment has to do with it (docs/policy.md). */
  readonly policy: PolicyStats
  /** Keywords that ssh_config sets for this host and that are not done here; none without the option `config`. */
  readonly ignoredConfig: readonly IgnoredKeyword[]
  /** Those that the peer has not closed yet. */
  readonly channels: readonly ChannelStats[]
  /** Encrypted, and not taken by the kernel. */
  readonly unsentBytes: number
  /** Answers and messages of the peer that nobody waited for. */
  readonly surplus: number
  /** For how long, all in all, this process could not listen: a blocked event loop, a machine that slept. */
  readonly loopBlockedMs: number
}

/** What there is to know of a client, at this moment; where its connection is away, of the last one. */
export interface ClientStats extends ConnectionStats {
  /** Commands, shells and subsystems: how many are open, wait for a place, or were given up. */
  readonly sessions: SessionStats
  /** Undefined without the option `reconnect`. */
  readonly reconnect: ReconnectStats | undefined
}

export function readStats({ link, sessions, reconnect }: Line): ClientStats {
  return { ...connectionStats(link), sessions: sessions.stats, reconnect }
}

export function connectionStats(link: Link): ConnectionStats {
  const { settings, connection } = link
  const { host, port, username, limits, policy, ignored: ignoredConfig } = settings
  return {
    host,
    port,
    username,
    negotiated: connection.negotiated,
    keyExchanges: connection.keyExchanges,
    liveness: connection.keepalive.liveness(connection.now()),
    keepalive: connection.keepalive.settings,
    tcpKeepalive: link.tcpKeepalive,
    limits,
    policy: policyStats(policy, connection.keepalive.settings),
    ignoredConfig,
    channels: [...connection.channels].map((channel) => ({
      sendWindow: channel.sendWindow,
      receiveWindow: channel.receiveWindow,
      unsentBytes: channel.unsentBytes,
      abandoned: channel.isAbandoned,
    })),
    unsentBytes: connection.unsentBytes,
    surplus: connection.surplus,
    loopBlockedMs: link.loopBlockedMs,
  }
}
