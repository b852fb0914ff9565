import { channel } from 'node:diagnostics_channel'
import type { Evidence, HoldfastError, LimitName, Phase } from './errors.js'

/** What every message says of the connection it is about. */
export interface AboutConnection {
  /** Counts the connections of this process. */
  readonly connection: number
  /** `host:port`, as the program named it. */
  readonly host: string
}

/** A connection came to another state, or while connecting to another phase. */
export interface ConnectionMessage extends AboutConnection {
  readonly state: 'connecting' | 'ready' | 'closing' | 'closed'
  /**
   * What it is at, or was at when it ended. While it is `connecting`: `dns` for everything up to TCP, `identification` for
   * everything up to keys and a host key that is trusted, then `authentication`.
   */
  readonly phase: Phase
  /** Why it ended. */
  readonly error?: HoldfastError
}

/** The peer became `suspect`, `alive` again, or `dead`. */
export interface LivenessMessage extends AboutConnection {
  readonly from: 'alive' | 'suspect' | 'dead'
  readonly to: 'alive' | 'suspect' | 'dead'
  /** Why it is dead. */
  readonly reason?: 'silence' | 'one-way' | 'writes'
  readonly evidence: Evidence
}

/** A probe went out, or was answered. */
export interface ProbeMessage extends AboutConnection {
  readonly event: 'sent' | 'answered'
  /** By which message the peer is asked: `ping`, `global-request`, … */
  readonly probe: string
  /** Milliseconds from sending it to its answer. */
  readonly rttMs?: number
}

/** What became of a channel. */
export interface ChannelMessage extends AboutConnection {
  /** `stalled` while the peer has not opened its window for data that waits: its program is not reading. */
  readonly event: 'opened' | 'stalled' | 'flowing' | 'closed'
  readonly channel: number
  readonly type: string
  /** Bytes that wait for the peer to open its window. */
  readonly queuedBytes: number
}

/** Somebody who is not the peer is waited for: a person, or an agent that may be waiting for one. */
export interface WaitingMessage extends AboutConnection {
  readonly on: 'person' | 'agent'
  readonly what: string
}

/** A limit was reached. */
export interface LimitMessage extends AboutConnection {
  readonly limit: LimitName
  readonly limitMs: number
  readonly elapsedMs: number
  /** What was waited for. */
  readonly what: string
}

/** Something that the server offers cannot be used; what is common is done in its place. */
export interface FallbackMessage extends AboutConnection {
  /** By the protocol's name: `limits@openssh.com`. */
  readonly what: string
  readonly why: string
}

/** What a policy has to do with a connection that begins: `files` and `options` are those of `stats().policy`. */
export interface PolicyMessage extends AboutConnection {
  readonly files: readonly string[]
  readonly options: Readonly<
    Record<string, { readonly value: unknown; readonly from: string; readonly source?: string }>
  >
}

/** How it stands with the making anew of a connection that was lost. */
export interface ReconnectMessage {
  /** `host:port`, as the program named it. */
  readonly host: string
  readonly event: 'planned' | 'connected' | 'given-up'
  /** Which attempt is planned, made the connection, or was the last one; counts from 1. */
  readonly attempt: number
  /** How long it waits before it dials, in milliseconds. */
  readonly delayMs?: number
  /** Why the connection was lost, the attempt before failed, or there will be none any more. */
  readonly error?: HoldfastError
}

/** Names of the channels of `node:diagnostics_channel` on which events leave the library, and what each carries. */
export interface DiagnosticsMessages {
  'holdfast:connection': ConnectionMessage
  'holdfast:liveness': LivenessMessage
  'holdfast:probe': ProbeMessage
  'holdfast:channel': ChannelMessage
  'holdfast:limit': LimitMessage
  'holdfast:waiting': WaitingMessage
  'holdfast:fallback': FallbackMessage
  'holdfast:policy': PolicyMessage
  'holdfast:reconnect': ReconnectMessage
}

/** Publishes what `make` makes; without a subscriber nothing is made. A subscriber that throws harms nobody else. */
export type Publish<Message> = (make: () => Message) => void

export const diagnostics = {
  connection: publisher('holdfast:connection'),
  liveness: publisher('holdfast:liveness'),
  probe: publisher('holdfast:probe'),
  channel: publisher('holdfast:channel'),
  limit: publisher('holdfast:limit'),
  waiting: publisher('holdfast:waiting'),
  fallback: publisher('holdfast:fallback'),
  policy: publisher('holdfast:policy'),
  reconnect: publisher('holdfast:reconnect'),
}

function publisher<Name extends keyof DiagnosticsMessages>(name: Name): Publish<DiagnosticsMessages[Name]> {
  const target = channel(name)
  return (make) => {
    if (target.hasSubscribers) target.publish(make())
  }
}
