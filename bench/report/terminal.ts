import type { Results } from '../results.js'
import { type FigureRow, figureRows } from './rows.js'
import { type Series, View, valuesOf } from './view.js'
import { clientLabels, number } from './words.js'

/** Ratios first: what Holdfast has of each other client's figure, then the figures. */
export function terminalTable(results: Results): string {
  return results.nodes
    .map((node) => [`Node ${node}`, ...figureRows(new View(results, node)).map(rowText)].join('\n'))
    .join('\n\n')
}

function rowText({ workload, figure, own, others }: FigureRow): string {
  const unit = figure.unit === '' ? '' : `, ${figure.unit}`
  const beside = others.map(({ series, ratio }) => {
    const share = ratio === undefined ? '' : `${number(ratio)} of `
    return `${share}${clientLabels[series.client]} (${withSpread(series)})`
  })
  const mine = own === undefined ? [] : [`Holdfast ${withSpread(own)}`]
  return `${workload.name}: ${figure.title}${unit} (${figure.better} is better)\n  ${[...mine, ...beside].join('; ')}`
}

function withSpread(series: Series): string {
  const { median, spread } = valuesOf(series)
  return `${number(median)} ±${number(spread)}`
}
