import { type ClientName, clientNames } from '../clients/client.js'
import type { Results } from '../results.js'
import type { Group } from '../workloads/workload.js'
import { type FigureRow, figureRows, isBehind } from './rows.js'
import { others, peers, type Series, View, valuesOf } from './view.js'
import { clientLabels, markdownTable, number } from './words.js'

const groupTitles: Readonly<Record<Group, string>> = {
  loopback: 'On loopback',
  far: 'Through 50 ms of round trip',
  ciphers: 'Other ciphers, on loopback',
  idle: 'Connections that only stay',
  scale: 'The more of them',
  liveness: 'Verdicts',
  micro: 'Parts of Holdfast, alone',
}
const groups = ['loopback', 'far', 'ciphers', 'idle', 'scale', 'liveness', 'micro'] as const

/** For each Node the ratios, then the figures. */
export function allTables(results: Results): string {
  return results.nodes.map((node) => nodeSection(new View(results, node), node)).join('\n\n')
}

function nodeSection(view: View, node: string): string {
  const sections = groups.flatMap((group) => {
    const rows = figureRows(view, group)
    if (rows.length === 0) return []
    const parts = [`### ${groupTitles[group]}, Node ${node}`, ratioTable(view, rows), figureTable(view, rows)]
    return [parts.filter((part) => part !== '').join('\n\n')]
  })
  return sections.join('\n\n')
}

/** What Holdfast has of each other client's figure. */
function ratioTable(view: View, rows: readonly FigureRow[]): string {
  const compared = rows.filter((row) => row.others.some(({ ratio }) => ratio !== undefined))
  if (compared.length === 0) return ''
  const columns = asked(others, rows)
  const header = ['Holdfast’s share of', ...columns.map((client) => clientLabels[client])]
  const lines = compared.map((row) => [
    `${row.figure.title}, ${row.figure.unit} (${row.figure.better} is better)`.replace(',  (', ' ('),
    ...columns.map((client) => ratioText(view, row, client)),
  ])
  return markdownTable([header, ...lines])
}

function ratioText(view: View, { workload, figure, others: beside }: FigureRow, client: ClientName): string {
  const ratio = beside.find(({ series }) => series.client === client)?.ratio
  if (ratio === undefined) return absence(view, client, workload.name)
  return isBehind(figure, ratio) && peers.includes(client) ? `**${number(ratio)}**` : number(ratio)
}

function figureTable(view: View, rows: readonly FigureRow[]): string {
  const columns = asked(clientNames, rows)
  const header = ['', ...columns.map((client) => clientLabels[client])]
  const lines = rows.map(({ workload, figure, own, others: beside }) => {
    const all = new Map<ClientName, Series>(beside.map(({ series }) => [series.client, series]))
    if (own !== undefined) all.set('holdfast', own)
    const cells = columns.map((client) => {
      const series = all.get(client)
      return series === undefined ? absence(view, client, workload.name) : withSpread(series)
    })
    return [`${figure.title}${figure.unit === '' ? '' : `, ${figure.unit}`}`, ...cells]
  })
  return markdownTable([header, ...lines])
}

/** The bare loop has a column only where it was measured: it is not to be missed elsewhere. */
function asked(clients: readonly ClientName[], rows: readonly FigureRow[]): readonly ClientName[] {
  const isMeasured = rows.some((row) => row.others.some(({ series }) => series.client === 'bare'))
  return isMeasured ? clients : clients.filter((client) => client !== 'bare')
}

function withSpread(series: Series): string {
  const { median, spread } = valuesOf(series)
  const mark = series.isCutShort ? ', **then failed**' : ''
  // One value has no spread, and must not look like one that never varies.
  return series.values.length === 1 ? `${number(median)}${mark}` : `${number(median)} ±${number(spread)}${mark}`
}

function absence(view: View, client: ClientName, workload: string): string {
  const cell = view.cell(client, workload)
  // Not asked: that says nothing of what it has.
  if (cell === undefined) return '–'
  return cell.state === 'failed' ? '**failed**' : 'none'
}
