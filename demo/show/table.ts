import { type Line, padLine, span } from '../terminal/text.js'
import type { Finding } from './findings.js'
import type { Lane } from './lane.js'

const cellWidth = 17

/** What was measured: a row for each thing that the scenes found out, a column for each lane. */
export function table(findings: readonly Finding[], lanes: readonly Lane[], width: number): Line[] {
  const labelWidth = Math.max(...findings.map(({ row }) => row.label.length)) + 3
  const rule = [span('─'.repeat(Math.min(width, labelWidth + lanes.length * cellWidth)), 'dim')]
  const head = [
    ...padLine([span('Measured in this run', 'bold')], labelWidth),
    ...lanes.flatMap(({ name }) => padLine([span(name, 'bold')], cellWidth)),
  ]
  return [rule, head, rule, ...findings.map((finding) => tableRow(finding, labelWidth)), rule]
}

function tableRow({ number, row, cells }: Finding, labelWidth: number): Line {
  return [
    ...padLine([span(`${number} `, 'dim'), span(row.label)], labelWidth),
    ...cells.flatMap((cell) => {
      const line = cell === undefined ? [] : [span(cell.text, cell.good ? 'good' : 'bad')]
      return padLine(line, cellWidth)
    }),
  ]
}
