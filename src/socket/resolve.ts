import dns from 'node:dns'
import net from 'node:net'
import { HoldfastError } from '../errors.js'
import type { Waits } from '../liveness/waits.js'
import { printable } from '../wire/printable.js'

export type Family = 4 | 6

export interface Address {
  readonly address: string
  readonly family: Family
}

/** As `dns.lookup` with `all: true`. */
export type Lookup = (
  host: string,
  options: { readonly all: true; readonly family: 0 | Family },
  callback: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void,
) => void

export interface ResolveOptions {
  /** Addresses of this family alone. */
  readonly family?: Family | undefined
  /** Default `dns.lookup`: the machine's own resolver, hosts file included. */
  readonly lookup?: Lookup | undefined
  /** Milliseconds of the limit `dns`. */
  readonly limitMs: number | false
  readonly signal?: AbortSignal | undefined
  /** As of every wait. @default true */
  readonly isAwaited?: boolean | undefined
}

/**
 * The addresses of a host, in the order in which to try them. A literal address is its own answer.
 *
 * A look-up cannot be cancelled: when the limit `dns` ends the wait, its answer is ignored later.
 * @throws HoldfastError ERR_SSH_DNS, ERR_SSH_TIMEOUT (limit `dns`), ERR_SSH_ABORTED, ERR_SSH_OPTION (a literal address
 *   of another family than asked for)
 */
export async function resolve(host: string, options: ResolveOptions, waits: Waits): Promise<Address[]> {
  const literal = familyOf(host)
  if (literal !== undefined) return [ofFamily({ address: host, family: literal }, options.family)]
  const wait = waits.start<Outcome>({
    limit: 'dns',
    limitMs: options.limitMs,
    clock: 'peer',
    phase: 'dns',
    what: `the address of ${printable(host)} (waiting for DNS)`,
    signal: options.signal,
    isAwaited: options.isAwaited ?? true,
  })
  const leave = lookUp(options.lookup ?? systemLookup, host, options.family ?? 0, (outcome) => wait.resolve(outcome))
  try {
    const outcome = await wait.promise
    if (outcome instanceof Error) throw notResolved(host, outcome)
    return interleaved(outcome)
  } finally {
    leave()
  }
}

/** Looked up at each call, so that a program which replaced `dns.lookup` is heard. */
const systemLookup: Lookup = (host, options, callback) => dns.lookup(host, options, callback)

/** 4 or 6 for a literal address. */
export function familyOf(address: string): Family | undefined {
  const family = net.isIP(address)
  return family === 4 || family === 6 ? family : undefined
}

function ofFamily(literal: Address, family: Family | undefined): Address {
  if (family === undefined || literal.family === family) return literal
  throw new HoldfastError(
    'ERR_SSH_OPTION',
    `${literal.address} is no IPv${family} address, and only those are wanted`,
    {
      phase: 'options',
      host: literal.address,
    },
  )
}

type Outcome = Error | Address[]
type Listener = (outcome: Outcome) => void

/**
 * Look-ups under way. Those of one name share one: libuv runs two at once a process, so that a fleet behind two dead
 * names would wait for them again and again. One that nobody waits for any more may still be joined, for the same reason,
 * where it is the machine's own, which always answers; an injected one may have lost its callback, and is asked anew.
 */
const underWay = new Map<Lookup, Map<string, Set<Listener>>>()

/** @returns a function that stops listening; the look-up itself goes on */
function lookUp(lookup: Lookup, host: string, family: 0 | Family, listener: Listener): () => void {
  const key = `${family} ${host}`
  const lookups = underWay.get(lookup) ?? new Map<string, Set<Listener>>()
  underWay.set(lookup, lookups)
  const joined = lookups.get(key)
  const listeners = joined ?? new Set()
  listeners.add(listener)
  const forget = () => {
    if (lookups.get(key) === listeners) lookups.delete(key)
    if (lookups.size === 0 && underWay.get(lookup) === lookups) underWay.delete(lookup)
  }
  if (joined === undefined) {
    lookups.set(key, listeners)
    ask(lookup, host, family, (outcome) => {
      forget()
      for (const each of listeners) each(outcome)
    })
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && lookup !== systemLookup) forget()
  }
}

function ask(lookup: Lookup, host: string, family: 0 | Family, answer: Listener): void {
  try {
    lookup(host, { all: true, family }, (error, addresses) => answer(error ?? usable(addresses, family)))
  } catch (error) {
    answer(error instanceof Error ? error : new Error(String(error)))
  }
}

/** An injected look-up may answer anything; the machine's own gives an address once a hosts file line. */
function usable(addresses: readonly { address: string }[], family: 0 | Family): Outcome {
  const byText = new Map<string, Address>()
  for (const { address } of addresses) {
    const own = familyOf(address)
    if (own !== undefined && (family === 0 || own === family)) byText.set(address, { address, family: own })
  }
  return byText.size > 0 ? [...byText.values()] : new Error('the answer has no usable address')
}

/** RFC 8305 section 4: the families take turns, beginning with that of the first address; each keeps its own order. */
function interleaved(addresses: readonly Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family)
  const turns = Array.from({ length: Math.max(first.length, second.length) }, (_, n) => [first[n], second[n]])
  return turns.flat().filter((address) => address !== undefined)
}

function notResolved(host: string, cause: Error): HoldfastError {
  const message = `${printable(host)} could not be resolved: ${printable(cause.message)}`
  return new HoldfastError('ERR_SSH_DNS', message, { phase: 'dns', host, cause })
}
