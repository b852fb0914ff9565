import type { Channel, ChannelSink } from '../connection/channel.js'
import type { GlobalRequestOptions } from '../connection/global-requests.js'
import type { OpenOptions } from '../connection/openings.js'
import type { ErrorDetails, HoldfastError } from '../errors.js'
import type { Deadlines } from '../liveness/deadlines.js'
import type { Waits } from '../liveness/waits.js'

/** What tunnels need of the connection that they run on. */
export interface ForwardPort {
  readonly waits: Waits
  readonly deadlines: Deadlines
  /** Channels for which the peer still has something, also those that we gave up. */
  readonly channels: Iterable<Channel>
  /** Whether there is no connection now, and another one is on its way: what is opened waits for it. @default false */
  readonly isAway?: boolean
  /** Why there is none now; undefined while it is there. */
  readonly awayFor?: HoldfastError | undefined
  /** Why the connection ended; undefined while it lives. */
  readonly cause: HoldfastError | undefined
  now(): number
  errorDetails(): ErrorDetails
  open(type: string, data: Buffer, makeSink: (channel: Channel) => ChannelSink, options?: OpenOptions): Promise<Channel>
  globalRequest(name: string, data: Buffer, options?: GlobalRequestOptions): Promise<Buffer>
}
