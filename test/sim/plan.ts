import type { Direction } from './network/path.js'

/**
 * One bad day, as plain data: all that is decided before it begins, so that it can be printed, played again and made
 * smaller. Times are milliseconds from the start; `to: null` is never.
 */
export interface Plan {
  readonly seed: number
  readonly link: LinkPlan
  readonly client: ClientPlan
  readonly server: ServerPlan
  readonly outages: readonly OutagePlan[]
  readonly ailments: readonly AilmentPlan[]
  readonly absences: readonly AbsencePlan[]
  readonly ends: readonly EndPlan[]
  readonly commands: readonly CommandPlan[]
  readonly calls: readonly CallPlan[]
  /** When the program closes its client, if nothing has ended it before. */
  readonly closeAt: number
}

export interface LinkPlan {
  /** Whether what comes is read in pieces that end anywhere: within a length field, or a line. */
  readonly isCut: boolean
  /** One way. */
  readonly latencyMs: number
  readonly jitterMs: number
  /** null: as fast as anybody sends. */
  readonly bytesPerMs: number | null
  /** One segment in so many is lost; null: none. */
  readonly lossEvery: number | null
  /** What the kernels hold, in bytes. */
  readonly sendBuffer: number
  readonly receiveBuffer: number
  /** After how long without a packet a NAT on the way forgets the connection. */
  readonly natTimeoutMs: number | null
}

export interface ClientPlan {
  readonly interval: number | false
  readonly countMax: number
  readonly wantReply: boolean
  readonly window: number
  readonly rekeyBytes: number
  readonly rekeyMs: number
  readonly kex: string
  readonly cipher: string
  /** Whether the monotonic clock stands still while the machine sleeps, as it does on Linux. */
  readonly clockSleeps: boolean
  /** What earlier connections to this host have taught, right or wrong. */
  readonly remembers: readonly Probe[] | 'mute'
}

export interface ServerPlan {
  readonly window: number
  readonly rekeyBytes: number
  readonly rekeyMs: number
  /** How long it takes to get to what came. */
  readonly lagMs: number
  /** Whether it offers `ping@openssh.com`. */
  readonly ping: boolean
  /** What it passes over in silence, from the start. */
  readonly deafTo: readonly Probe[]
  /** Whether it probes us, by an interval and a count. */
  readonly interval: number | false
  readonly maxSessions: number
  /** Whether it passes signals on to programs. */
  readonly passesSignals: boolean
}

export type Probe = 'ping' | 'global-request' | 'channel-request' | 'channel-open'

/**
 * Something in the network.
 * - `dropped`: packets are lost; kernels send them again.
 * - `held`: a relay that ends TCP on both sides passes nothing on until it heals.
 * - `swallowed`: the same, and what it took never comes.
 */
export interface OutagePlan {
  readonly from: number
  readonly to: number | null
  readonly which: Direction | 'both'
  readonly how: 'dropped' | 'held' | 'swallowed'
}

/**
 * Something with the server's process.
 * - `stopped`: it does nothing at all; its kernel acknowledges until its buffer is full.
 * - `deaf`: it reads nothing, and its programs write on.
 * - `silent`: it reads, and answers no probe any more.
 * - `leaves-rekey`: it begins a key exchange and does not go on with it.
 * - `refuses-opens`: no channel is opened any more.
 * - `ignores-opens`, `ignores-requests`: nor is it said so.
 * - `chatters`: it says something all the time that means nothing.
 */
export interface AilmentPlan {
  readonly from: number
  readonly to: number | null
  readonly what:
    | 'stopped'
    | 'deaf'
    | 'silent'
    | 'leaves-rekey'
    | 'refuses-opens'
    | 'ignores-opens'
    | 'ignores-requests'
    | 'chatters'
}

/**
 * The client's own time away.
 * - `blocked`: its event loop is, or its process is stopped.
 * - `suspended`: its machine sleeps, and its network comes back a while later.
 */
export interface AbsencePlan {
  readonly from: number
  readonly forMs: number
  readonly what: 'blocked' | 'suspended'
  readonly networkBackMs: number
}

/** How the stream is ended by somebody else. */
export interface EndPlan {
  readonly at: number
  readonly what: 'server-closes' | 'server-killed' | 'half-closes' | 'reset'
}

/** What a program on the server does once it is asked for. */
export interface CommandPlan {
  readonly stdout: number
  readonly stderr: number
  /** It writes a piece so often; 0: all at once. */
  readonly everyMs: number
  readonly piece: number
  /** Whether it sends back what it reads. */
  readonly echo: boolean
  readonly reads: 'all' | 'nothing'
  /** null: it never ends by itself. */
  readonly runMs: number | null
  readonly exit: number | string | null
  /** How long something holds its output open after its exit was told; null: for ever. */
  readonly outputOpenMs: number | null
  readonly onTerm: 'ends' | 'ignores'
  readonly closes: boolean
}

/** `exec()` as a program calls it, by way of src/session, with limits of its own; null: none. */
export interface RunPlan {
  readonly at: number
  readonly call: 'run'
  readonly command: number
  readonly input: number
  readonly timeoutMs: number | null
  readonly idleMs: number | null
  readonly firstByteMs: number | null
  readonly stallMs: number | null
  readonly maxBuffer: number
  readonly abortAfterMs: number | null
  readonly secondSession: 'auto' | 'never'
}

/** One call of the program. A `command` is an index into the commands. */
export type CallPlan =
  | {
      readonly at: number
      readonly call: 'exec'
      readonly command: number
      readonly input: number
      readonly inputEof: boolean
      /** It writes a piece so often; 0: all at once. */
      readonly inputEveryMs: number
      /** How much it reads in a second; null: all at once. */
      readonly readsPerSecond: number | null
      readonly abortAfterMs: number | null
      readonly closeAfterMs: number | null
    }
  | RunPlan
  | { readonly at: number; readonly call: 'global-request'; readonly abortAfterMs: number | null }
  | { readonly at: number; readonly call: 'rekey' }
  | { readonly at: number; readonly call: 'probe'; readonly timeoutMs: number; readonly abortAfterMs: number | null }
  | { readonly at: number; readonly call: 'configure'; readonly interval: number | false; readonly countMax: number }
  | { readonly at: number; readonly call: 'close'; readonly timeoutMs: number }
