import { type Results } from '../results.js'
import { figureRows } from './rows.js'
import { clientLabels, number } from './words.js'

/** Ratios first: what Holdfast has of each other client's figure, then the figures. */
export function terminalTable(results: Results): string {
  return results.nodes
    .map((node) => {
      const lines = figureRows(results, node).map(({ workload, figure, ours, others }) => {
        const beside = others.map(({ client, values, ratio }) => {
          const own = number(values.median)
          return ratio === undefined
            ? `${clientLabels[client]} ${own}`
            : `${ratio.toFixed(2)} of ${clientLabels[client]} (${own})`
        })
        const mine = ours === undefined ? '' : ` ${number(ours.median)} ±${number(ours.spread)}`
        const unit = figure.unit === '' ? '' : `, ${figure.unit} (${figure.better} is better)`
        return `${workload.name}: ${figure.title}${unit}\n   ${mine} ${beside.join('; ')}`
      })
      return [`Node ${node}`, ...lines].join('\n')
    })
    .join('\n\n')
}
