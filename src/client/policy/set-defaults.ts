import { HoldfastError } from '../../errors.js'
import type { ConnectOptions, HostKeyOptions, SocketOptions } from '../options.js'
import { type Entries, type Problem, readEntries } from './entries.js'
import { nodeOf } from './json.js'

/** What `setDefaults()` takes: the options that a policy can set too (docs/policy.md). */
export interface DefaultOptions extends Pick<ConnectOptions, 'keepalive' | 'limits' | 'rekey' | 'algorithms'> {
  readonly socket?: Omit<SocketOptions, 'lookup' | 'localPort'> | undefined
  readonly hostKey?: Omit<HostKeyOptions, 'verify' | 'alias'> | undefined
}

/** On the global object, so that two copies of this package in one process have the same. */
const key = Symbol.for('holdfast.defaults.1')
const none: Entries = new Map()

let seen: { readonly defaults: unknown; readonly entries: Entries } | undefined

/**
 * Sets what holds for every connection that this process makes from now on and that does not say otherwise; it takes the
 * place of what was set so before, `setDefaults({})` of all of it. A policy's `defaults` and the environment are weaker,
 * what a policy enforces is not changed.
 * @throws HoldfastError ERR_SSH_OPTION naming the field
 */
export function setDefaults(defaults: DefaultOptions): void {
  read(defaults)
  Reflect.set(globalThis, key, structuredClone(defaults))
}

/** What `setDefaults()` has set. */
export function processDefaults(): Entries {
  const defaults: unknown = Reflect.get(globalThis, key)
  if (defaults === undefined) return none
  if (seen?.defaults !== defaults) seen = { defaults, entries: read(defaults) }
  return seen.entries
}

function read(defaults: unknown): Entries {
  return readEntries(nodeOf(defaults), {
    section: 'defaults',
    prefix: '',
    source: () => 'setDefaults()',
    wrong: refuse,
  })
}

function refuse({ text }: Problem): never {
  throw new HoldfastError('ERR_SSH_OPTION', `setDefaults(): ${text}`, { phase: 'options' })
}
