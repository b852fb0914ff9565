import { type ClientName, clientNames } from '../clients/client.js'
import { figures, findCell, type Results } from '../results.js'
import { median, quantile } from '../statistics.js'
import { workloads } from '../workloads/index.js'
import type { Figure, Workload } from '../workloads/workload.js'

export interface Values {
  readonly median: number
  /** Half of what lies between the quartiles. */
  readonly spread: number
}

export interface OtherClient {
  readonly client: ClientName
  readonly values: Values
  /** What Holdfast has of its figure: the median over the rounds. Undefined where Holdfast was not measured. */
  readonly ratio: number | undefined
}

export interface FigureRow {
  readonly workload: Workload
  /** Its name in the samples. */
  readonly name: string
  readonly figure: Figure
  readonly ours: Values | undefined
  readonly others: readonly OtherClient[]
}

/** All that was measured on one Node. */
export function figureRows(results: Results, node: string): readonly FigureRow[] {
  return workloads.flatMap((workload) =>
    Object.entries(workload.figures).flatMap(([name, figure]) => {
      const of = (client: ClientName): readonly number[] =>
        figures(findCell(results, workload.name, client, node), name)
      const own = of('holdfast')
      const others = clientNames
        .filter((client) => client !== 'holdfast' && of(client).length > 0)
        .map((client) => ({ client, values: valuesOf(of(client)), ratio: ratioOf(own, of(client)) }))
      if (own.length === 0 && others.length === 0) return []
      return [{ workload, name, figure, ours: own.length === 0 ? undefined : valuesOf(own), others }]
    }),
  )
}

function valuesOf(values: readonly number[]): Values {
  return { median: median(values), spread: (quantile(values, 0.75) - quantile(values, 0.25)) / 2 }
}

/** Round by round, so that what changes from round to round is in both. */
function ratioOf(own: readonly number[], other: readonly number[]): number | undefined {
  const ratios = own.flatMap((value, round) => {
    const beside = other[round]
    return beside === undefined ? [] : [value / beside]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}
