import type { ClientName } from './clients/client.js'
import type { Peers } from './peers.js'
import type { Conditions, Sample } from './workloads/workload.js'

/** What the harness asks of a process. */
export interface Order {
  readonly client: ClientName
  readonly workload: string
  /** Undefined where none of the clients has to be installed. */
  readonly peers: Peers | undefined
  readonly conditions: Conditions
}

export type Answer =
  | { readonly kind: 'measured'; readonly sample: Sample; readonly isNative: boolean }
  /** The client has no such thing. */
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string }
