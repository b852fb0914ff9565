import type { Channel, ChannelSink } from '../connection/channel.js'
import type { OpenOptions } from '../connection/openings.js'
import type { ErrorDetails, HoldfastError } from '../errors.js'
import type { Keepalive } from '../liveness/keepalive.js'
import type { Waits } from '../liveness/waits.js'
import type { CommandDefaults } from './options.js'
import type { Places } from './places.js'
import type { AgentLender } from './preparation.js'
import type { ProcessHelpers } from './process-helpers.js'
import type { Runs } from './runs.js'

/** What sessions need of the connection that they run on. */
export interface SessionPort {
  readonly waits: Waits
  readonly keepalive: Pick<Keepalive, 'liveness' | 'probeNow'>
  /** Why the connection ended; undefined while it lives. */
  readonly cause: HoldfastError | undefined
  /** What the peer says it is, in `peer`. */
  readonly negotiated: { readonly peer: string } | undefined
  /** What it said of itself. */
  readonly remarks: { readonly forcesCommand: boolean }
  /** Whether what we send waits here, for the kernel or for the end of a key exchange: windows that we grant among it. */
  readonly holdsBack: boolean
  now(): number
  errorDetails(): ErrorDetails
  open(type: string, data: Buffer, makeSink: (channel: Channel) => ChannelSink, options?: OpenOptions): Promise<Channel>
  /** Calls back with each channel that is gone for good. @returns a function that takes it back */
  onChannelGone(gone: (channel: Channel) => void): () => void
}

/** What the sessions of one connection share. */
export interface SessionHost {
  readonly port: SessionPort
  readonly places: Places
  readonly defaults: CommandDefaults
  /** How long to wait for a place where the server allows no more sessions, in milliseconds. */
  readonly openLimit: number
  readonly username: string
  readonly agent: AgentLender | undefined
  readonly runs: Runs
  readonly helpers: ProcessHelpers
}
