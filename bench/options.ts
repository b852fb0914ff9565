import process from 'node:process'
import { parseArgs } from 'node:util'
import { type ClientName, clientNames } from './clients/client.js'
import { workloads } from './workloads/index.js'
import type { Workload } from './workloads/workload.js'

export interface BenchOptions {
  readonly workloads: readonly Workload[]
  readonly clients: readonly ClientName[]
  /** Paths of the Nodes that run the clients. */
  readonly nodes: readonly string[]
  readonly rounds: number
  /** See `Conditions`. */
  readonly scale: number
  /** Whether docs/performance.md is written: all was measured, at full length. */
  readonly isWhole: boolean
}

const full = { rounds: 5, scale: 1 }
const quick = { rounds: 2, scale: 0.2 }

/** @throws Error that says what is wrong with them */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      clients: { type: 'string' },
      node: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      scale: { type: 'string' },
    },
  })
  const base = values.quick ? quick : full
  const isWhole = !values.quick && values.only === undefined && values.clients === undefined
  return {
    // Other ciphers are for who has the time, or names them.
    workloads: chosen(workloads, values.only).filter(
      ({ group }) => !values.quick || values.only !== undefined || group !== 'ciphers',
    ),
    clients: values.clients === undefined ? clientNames : values.clients.split(',').map(toClientName),
    nodes: values.node ?? [process.execPath],
    rounds: positive('rounds', values.rounds) ?? base.rounds,
    scale: positive('scale', values.scale) ?? base.scale,
    isWhole,
  }
}

function chosen(all: readonly Workload[], only: string | undefined): readonly Workload[] {
  if (only === undefined) return all
  const isMeant = (word: string, { name }: Workload): boolean =>
    all.some((known) => known.name === word) ? name === word : name.startsWith(`${word}-`)
  const words = only.split(',')
  const found = all.filter((workload) => words.some((word) => isMeant(word, workload)))
  if (found.length === 0) throw new Error(`--only ${only}: the workloads are ${all.map(({ name }) => name).join(', ')}`)
  return found
}

function toClientName(word: string): ClientName {
  const name = clientNames.find((known) => known === word)
  if (name === undefined) throw new Error(`--clients ${word}: the clients are ${clientNames.join(', ')}`)
  return name
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} ${text}: must be a number above 0`)
  return value
}
