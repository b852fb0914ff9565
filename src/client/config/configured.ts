import type { ConnectOptions } from '../options.js'
import type { AppliedPolicy } from '../policy/policy.js'
import type { IgnoredKeyword } from './keywords.js'

/** What ssh_config says of a host, as options and as what no option can say. */
export interface Configured {
  /** With the program's own options over them. */
  readonly options: ConnectOptions
  /** The name that the program gave, where ssh_config put another in its place. */
  readonly alias?: string
  /** Algorithms of `options` whose risk somebody took by their names; undefined: all that the options name. */
  readonly named: readonly string[] | undefined
  /** SetEnv and SendEnv: variables that each command asks for. */
  readonly env: Readonly<Record<string, string>> | undefined
  /** How long it took to learn, in milliseconds: it counts for the limit `connect`. */
  readonly spentMs: number
  readonly ignored: readonly IgnoredKeyword[]
  /** Undefined until it has been laid around the options. */
  readonly policy?: AppliedPolicy
}
