import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../test/lab/report/root.js'
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
  /** A file with the results of an earlier run, in place of a new one. */
  readonly from: string | undefined
  /** Where performance.md and its pictures are written: docs/ once all was measured at full length, else nowhere unless told. */
  readonly out: string | undefined
}

const docs = fileURLToPath(new URL('docs/', root))
const full = { rounds: 3, scale: 1 }
const quick = { rounds: 1, scale: 0.25 }

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
      from: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const base = values.quick ? quick : full
  const isWhole = !values.quick && values.only === undefined && values.clients === undefined
  return {
    workloads: chosen(workloads, values.only).filter(
      ({ isLong = false }) => !values.quick || values.only !== undefined || !isLong,
    ),
    clients: values.clients === undefined ? clientNames : values.clients.split(',').map(toClientName),
    nodes: values.node ?? [process.execPath],
    rounds: positive('rounds', values.rounds) ?? base.rounds,
    scale: positive('scale', values.scale) ?? base.scale,
    from: values.from,
    out: values.out ?? (isWhole ? docs : undefined),
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
