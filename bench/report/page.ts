/** Writes what was measured into docs/performance.md, between its marks; the words around them are a person's. */
import type { Results } from '../results.js'
import { barChart, type Chart } from './bars.js'
import { growthPlot, growthTitle } from './growth-plot.js'
import { ratioPlot } from './ratio-plot.js'
import { reachTable } from './reach.js'
import { allTables } from './tables.js'
import { View } from './view.js'
import { clientLabels, markdownTable, number } from './words.js'

const folder = 'performance'

const cpuChart: Chart = {
  title: 'CPU seconds of the client for a gigabyte',
  unit: 's/GB',
  groups: [
    { title: 'download', workload: 'download', figure: 'cpu' },
    { title: 'upload', workload: 'upload', figure: 'cpu' },
    { title: 'SFTP get', workload: 'sftp-get', figure: 'cpu' },
    { title: 'SFTP put', workload: 'sftp-put', figure: 'cpu' },
  ],
}
const farChart: Chart = {
  title: 'Speed through 50 ms of round trip',
  unit: 'MB/s',
  groups: [
    { title: 'download', workload: 'far-download', figure: 'speed' },
    { title: 'SFTP get', workload: 'far-sftp-get', figure: 'speed' },
    { title: 'SFTP put', workload: 'far-sftp-put', figure: 'speed' },
  ],
}

/** The pictures, by their paths in docs/. */
export function pictures(results: Results): ReadonlyMap<string, string> {
  return new Map(
    results.nodes.flatMap((node): [string, string][] => {
      const view = new View(results, node)
      const growth = growthPlot(view)
      return [
        [picturePath('ratios', node), ratioPlot(view, node)],
        [picturePath('cpu', node), barChart(view, cpuChart)],
        [picturePath('far', node), barChart(view, farChart)],
        ...(growth === undefined ? [] : [[picturePath('growth', node), growth] as [string, string]]),
      ]
    }),
  )
}

/** @param page as it was before */
export function filledPage(page: string, results: Results): string {
  const sections = {
    setting: settingText(results),
    reach: reachTable(results),
    pictures: results.nodes.map((node) => pictureLines(results, node)).join('\n'),
    tables: allTables(results),
  }
  return Object.entries(sections).reduce((text, [name, content]) => filled(text, name, content), page)
}

function filled(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- measured: ${name} -->`, `<!-- end: ${name} -->`]
  const [before, rest] = page.split(begin)
  const [, after] = rest?.split(end) ?? []
  if (before === undefined || after === undefined) throw new Error(`docs/performance.md has no place for ${name}`)
  return `${before}${begin}\n\n${content}\n\n${end}${after}`
}

function settingText(results: Results): string {
  const { date, holdfast, ssh2, devTunnels, openssh, server, machine, load, relay } = results.setting
  const rows = [
    ['', ''],
    ['Holdfast', holdfast],
    ['npm ssh2', `${ssh2}; ${results.nodes.map((node) => addOnText(results, node)).join(', ')}`],
    ['@microsoft/dev-tunnels-ssh', devTunnels],
    ['OpenSSH', `${openssh}; server ${server}`],
    ['Node', results.nodes.join(', ')],
    ['machine', `${machine}; load before the run: ${number(load)}`],
    ['relay', `${number(relay.roundTripMs)} ms of round trip, ${number(relay.megabytesASecond)} MB/s by itself`],
    ['run', `${date}, ${extent(results)}`],
  ]
  return markdownTable(rows)
}

/** How much of what is said below was done. */
function extent({ rounds, scale }: Results): string {
  const share = scale === 1 ? '' : `, bytes and repetitions × ${scale}`
  return `${rounds} ${rounds === 1 ? 'round' : 'rounds'}${share}`
}

function addOnText(results: Results, node: string): string {
  const isNative = results.cells.some((cell) => cell.node === node && cell.isNative)
  return `${isNative ? 'with its native add-on' : 'without native add-on, which does not load'} on ${node}`
}

function pictureLines(results: Results, node: string): string {
  const isGrowthDrawn = growthPlot(new View(results, node)) !== undefined
  return [
    `![How many times better Holdfast is than ${clientLabels.openssh} and others on Node ${node}](${picturePath('ratios', node)})`,
    `![${cpuChart.title}, Node ${node}](${picturePath('cpu', node)})`,
    `![${farChart.title}, Node ${node}](${picturePath('far', node)})`,
    ...(isGrowthDrawn ? [`![${growthTitle}, Node ${node}](${picturePath('growth', node)})`] : []),
  ].join('\n')
}

function picturePath(name: string, node: string): string {
  const [major] = node.slice(1).split('.')
  return `${folder}/${name}-node${major}.svg`
}
