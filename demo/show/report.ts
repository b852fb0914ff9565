import { type Line, padLine, span, wrap } from '../terminal/text.js'
import type { Lane } from './lane.js'
import { slackMs } from './scale.js'
import type { Cell, Row } from './scene.js'
import type { SceneResult } from './show.js'

const cellWidth = 17

/** The table of what was measured: a row for each thing that the scenes found out, a column for each lane. */
export function table(results: readonly SceneResult[], lanes: readonly Lane[], width: number): Line[] {
  const labelWidth = Math.max(...rowsOf(results).map(({ row }) => row.label.length)) + 3
  const rule = [span('─'.repeat(Math.min(width, labelWidth + lanes.length * cellWidth)), 'dim')]
  const head = [
    ...padLine([span('Measured in this run', 'bold')], labelWidth),
    ...lanes.flatMap(({ name }) => padLine([span(name, 'bold')], cellWidth)),
  ]
  return [rule, head, rule, ...rowsOf(results).map((found) => tableRow(found, labelWidth)), rule]
}

/** What Holdfast, the last of the lanes, promises, and whether this run showed it. */
export function promises(results: readonly SceneResult[], width: number): { lines: Line[]; allKept: boolean } {
  const checks = rowsOf(results).map(({ row, cells }) => ({ row, cell: cells.at(-1) }))
  return {
    lines: [
      [span('What Holdfast promises, checked by this run', 'bold')],
      ...checks.flatMap(({ row, cell }) => promiseLines(row, cell, width)),
    ],
    allKept: checks.every(({ row, cell }) => isKept(row, cell)),
  }
}

interface Found {
  /** The scene's number, where this is its first row. */
  readonly number: string
  readonly row: Row
  readonly cells: readonly (Cell | undefined)[]
}

function rowsOf(results: readonly SceneResult[]): Found[] {
  return results.flatMap(({ scene, cells }, sceneIndex) =>
    scene.rows.map((row, index) => ({
      number: index === 0 ? `${sceneIndex + 1}` : ' ',
      row,
      cells: cells.map((ofLane) => ofLane[index]),
    })),
  )
}

function tableRow({ number, row, cells }: Found, labelWidth: number): Line {
  return [
    ...padLine([span(`${number} `, 'dim'), span(row.label)], labelWidth),
    ...cells.flatMap((cell) => padLine(cell === undefined ? [] : [toned(cell)], cellWidth)),
  ]
}

function toned({ text, good }: Cell) {
  return span(text, good ? 'good' : 'bad')
}

function promiseLines(row: Row, cell: Cell | undefined, width: number): Line[] {
  const kept = isKept(row, cell)
  const mark = span(kept ? '  kept    ' : '  BROKEN  ', kept ? 'good' : 'bad')
  const text = `${row.promise}: ${cell?.text ?? 'nothing was measured'}`
  return wrap(text, width - mark.text.length).map((part, index) => [
    index === 0 ? mark : span(' '.repeat(mark.text.length)),
    span(part),
  ])
}

function isKept({ atMostMs }: Row, cell: Cell | undefined): boolean {
  if (cell === undefined || !cell.good) return false
  return atMostMs === undefined || (cell.ms !== undefined && cell.ms <= atMostMs + slackMs)
}
