import { workloads } from '../workloads/index.js'
import type { Figure, Group, Workload } from '../workloads/workload.js'
import { others, ratio, type Series, type View } from './view.js'

export interface Compared {
  readonly series: Series
  /** What Holdfast has of it. Undefined where Holdfast was not measured. */
  readonly ratio: number | undefined
}

export interface FigureRow {
  readonly workload: Workload
  /** Its name in the samples. */
  readonly name: string
  readonly figure: Figure
  readonly own: Series | undefined
  readonly others: readonly Compared[]
}

/** All that was measured. */
export function figureRows(view: View, group?: Group): readonly FigureRow[] {
  const meant = workloads.filter((workload) => group === undefined || workload.group === group)
  return meant.flatMap((workload) =>
    Object.entries(workload.figures).flatMap(([name, figure]) => {
      const own = view.series('holdfast', workload.name, name)
      const beside = others.flatMap((client): readonly Compared[] => {
        const series = view.series(client, workload.name, name)
        return series === undefined ? [] : [{ series, ratio: own && ratio(own, series) }]
      })
      return own === undefined && beside.length === 0 ? [] : [{ workload, name, figure, own, others: beside }]
    }),
  )
}

export function isBehind(figure: Figure, value: number): boolean {
  return figure.better === 'less' ? value > 1 : value < 1
}
