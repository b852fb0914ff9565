import type { ClientName } from '../clients/client.js'
import { clientNames, realClients } from '../clients/client.js'
import { type Cell, figures, findCell, type Results } from '../results.js'
import { median, quantile } from '../statistics.js'

export interface Values {
  readonly median: number
  /** Half of what lies between the quartiles. */
  readonly spread: number
}

/** One client's figure. */
export interface Series {
  readonly client: ClientName
  /** By rounds; undefined where one did not bring it. */
  readonly rounds: readonly (number | undefined)[]
  /** The same without those. */
  readonly values: readonly number[]
  /** Whether it failed in one, and was asked no more. */
  readonly isCutShort: boolean
}

export const others: readonly ClientName[] = clientNames.filter((client) => client !== 'holdfast')
/** Those that Holdfast is judged by. */
export const peers: readonly ClientName[] = realClients.filter((client) => client !== 'holdfast')

/** What was measured on one Node. */
export class View {
  readonly #results: Results
  readonly #node: string

  /** @param node its version */
  constructor(results: Results, node: string) {
    this.#results = results
    this.#node = node
  }

  get isNode20(): boolean {
    return this.#node.startsWith('v20.')
  }

  cell(client: ClientName, workload: string): Cell | undefined {
    return findCell(this.#results, workload, client, this.#node)
  }

  /** Undefined where it was not measured. */
  series(client: ClientName, workload: string, figure: string): Series | undefined {
    const cell = this.cell(client, workload)
    const rounds = figures(cell, figure)
    const values = rounds.filter((value) => value !== undefined)
    return values.length === 0 ? undefined : { client, rounds, values, isCutShort: cell?.state === 'failed' }
  }

  /** Of the clients that Holdfast is judged by. */
  best(workload: string, figure: string, better: 'less' | 'more', among = peers): Series | undefined {
    return bestOf(
      among.map((client) => this.series(client, workload, figure)),
      better,
    )
  }
}

function bestOf(all: readonly (Series | undefined)[], better: 'less' | 'more'): Series | undefined {
  const there = all.filter((series) => series !== undefined)
  const sorted = there.toSorted((a, b) => median(a.values) - median(b.values))
  return better === 'less' ? sorted[0] : sorted.at(-1)
}

export function valuesOf({ values }: Series): Values {
  return { median: median(values), spread: (quantile(values, 0.75) - quantile(values, 0.25)) / 2 }
}

/** Round by round, so that what changes from round to round is in both. Undefined where no round brought both. */
export function ratio(own: Series, other: Series): number | undefined {
  const ratios = own.rounds.flatMap((value, round) => {
    const beside = other.rounds[round]
    return value === undefined || beside === undefined ? [] : [value / beside]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}
