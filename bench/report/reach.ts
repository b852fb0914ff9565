/** What this project wants to reach, and whether it does: judged from what was measured, never by hand. */
import type { ClientName } from '../clients/client.js'
import type { Results } from '../results.js'
import { median } from '../statistics.js'
import { ratio, type Series, View } from './view.js'
import { clientLabels, markdownTable, number } from './words.js'

interface Judgement {
  readonly measured: string
  /** The same of a bare loop: what is left to gain. */
  readonly bare?: string | undefined
  readonly isKept: boolean
}

interface Aim {
  readonly what: string
  /** Undefined where it was not measured, or does not apply to this Node. */
  readonly judge: (view: View) => Judgement | undefined
}

/** A figure of Holdfast's, by workload and name. */
type Of = readonly [workload: string, figure: string]
type Find = (view: View, of: Of, better: 'less' | 'more') => Series | undefined

/** 5, as docs/performance.md counts them with OpenSSH, and what cannot be told apart from that. */
const fewestRoundTrips = 5.2
/** One round trip of 50 ms, and what a command takes by itself. */
const oneRoundTripMs = 65
const laterMs = 100
/** What is linear but for the noise of the measurement, and what of the cost of a process falls on each of a few. */
const growthMost = 1.25
/** Two digits are known of a ratio, at best. */
const rounding = 0.005

const best: Find = (view, [workload, figure], better) => view.best(workload, figure, better)
const client =
  (name: ClientName): Find =>
  (view, [workload, figure]) =>
    view.series(name, workload, figure)
const withAddOn: Find = (view, [workload, figure], better) => {
  const native = (['ssh2', 'ssh2-nodelay'] as const).filter((name) => view.cell(name, workload)?.isNative)
  return view.best(workload, figure, better, native)
}

const aims: readonly Aim[] = [
  atMost('1. Connect', 0.3, 'of OpenSSH', ['connect', 'ms'], client('openssh')),
  atMost('1. Connect', 1, 'of the fastest', ['connect', 'ms'], best),
  atMost('1. Connect, exec, close', 0.6, 'of ssh2 with TCP_NODELAY', ['one-shot', 'ms'], client('ssh2-nodelay')),
  atMost('1. Exec on a warm connection', 1, 'of the fastest', ['exec', 'ms'], best),
  atMost('1. 50 execs side by side, CPU', 1, 'of the least', ['execs', 'cpu'], best),
  onNode20(true, atMost('2. Download, CPU', 1, 'of ssh2 with its add-on (Node 20)', ['download', 'cpu'], withAddOn)),
  onNode20(
    false,
    atMost('2. Download, CPU', 0.45, 'of ssh2 without its add-on (Node 24)', ['download', 'cpu'], client('ssh2-js')),
  ),
  atMost('2. Upload, CPU', 0.85, 'of ssh2 without its add-on', ['upload', 'cpu'], client('ssh2-js')),
  atLeast('2. Download, speed', 0.95, 'of the best', ['download', 'speed'], best),
  atLeast('2. Upload, speed', 0.95, 'of the best', ['upload', 'speed'], best),
  atLeast('3. SFTP get, speed', 0.95, 'of the best', ['sftp-get', 'speed'], best),
  atLeast('3. SFTP put, speed', 0.95, 'of the best', ['sftp-put', 'speed'], best),
  within('3. SFTP get, CPU', 1.1, 's/GB', ['sftp-get', 'cpu']),
  within('3. SFTP put, CPU', 1.1, 's/GB', ['sftp-put', 'cpu']),
  atLeast('3. A folder of small files, get', 1, 'of the best, 32 at once', ['tree-get', 'speed'], best),
  atLeast('3. A folder of small files, put', 1, 'of the best, 32 at once', ['tree-put', 'speed'], best),
  ...farSpeed('download', 'far-download'),
  ...farSpeed('SFTP get', 'far-sftp-get'),
  ...farSpeed('SFTP put', 'far-sftp-put'),
  atMost(
    '4. CPU of sshd in a download on loopback',
    1.1,
    'of that with ssh2',
    ['download', 'server'],
    client('ssh2-nodelay'),
  ),
  within('4. Through 50 ms, connect, exec, close, round trips', fewestRoundTrips, '', ['far-one-shot', 'roundTrips']),
  within('4. Through 50 ms, exec in a session opened ahead', oneRoundTripMs, 'ms', ['far-exec-ahead', 'ms']),
  within('5. Memory of an idle connection of 500', 30, 'KB', ['idle', 'memory']),
  atMost('5. CPU of 500 idle connections', 1, 'of ssh2', ['idle', 'cpu'], client('ssh2-nodelay')),
  { what: `5. From 100 to 10,000 connections: each takes at most ${growthMost} times as much`, judge: judgeGrowth },
  { what: `6. Verdict with both directions full: at most ${laterMs} ms later than idle`, judge: judgeVerdicts },
]

function atMost(what: string, limit: number, peer: string, of: Of, find: Find): Aim {
  return share(`${what}: at most ${limit} ${peer}`, of, find, 'less', (value) => value <= limit + rounding)
}

function atLeast(what: string, limit: number, peer: string, of: Of, find: Find): Aim {
  return share(`${what}: at least ${limit} ${peer}`, of, find, 'more', (value) => value >= limit - rounding)
}

function share(what: string, of: Of, find: Find, better: 'less' | 'more', isKept: (ratio: number) => boolean): Aim {
  return {
    what,
    judge: (view) => {
      const own = view.series('holdfast', ...of)
      const other = find(view, of, better)
      if (own === undefined || other === undefined) return undefined
      const value = ratio(own, other)
      if (value === undefined) return undefined
      const bare = view.series('bare', ...of)
      return {
        measured: `${value.toFixed(2)} of ${clientLabels[other.client]}`,
        bare: bare && ratio(bare, other)?.toFixed(2),
        isKept: isKept(value),
      }
    },
  }
}

function within(what: string, limit: number, unit: string, of: Of): Aim {
  return {
    what: `${what}: at most ${limit}${unit === '' ? '' : ` ${unit}`}`,
    judge: (view) => {
      const own = view.series('holdfast', ...of)
      if (own === undefined) return undefined
      const value = median(own.values)
      const bare = view.series('bare', ...of)
      return {
        measured: `${number(value)} ${unit}`.trim(),
        bare: bare && `${number(median(bare.values))} ${unit}`.trim(),
        isKept: value <= limit,
      }
    },
  }
}

/** Against `ssh2` that sends at once, as a program that knows of it would have it. */
function farSpeed(what: string, workload: string): readonly Aim[] {
  const of: Of = [workload, 'speed']
  return [
    atLeast(`4. Through 50 ms, ${what}, speed`, 4, 'of ssh2', of, client('ssh2-nodelay')),
    atLeast(`4. Through 50 ms, ${what}, speed`, 1, 'of OpenSSH', of, client('openssh')),
  ]
}

function onNode20(isMeant: boolean, { what, judge }: Aim): Aim {
  return { what, judge: (view) => (view.isNode20 === isMeant ? judge(view) : undefined) }
}

function judgeVerdicts(view: View): Judgement | undefined {
  const idle = view.series('holdfast', 'liveness', 'idle')
  const loaded = view.series('holdfast', 'liveness', 'loaded')
  if (idle === undefined || loaded === undefined) return undefined
  const later = median(loaded.values) - median(idle.values)
  return { measured: `${number(later)} ms later`, isKept: later <= laterMs }
}

/** Memory and CPU of one connection among the most, against one among the fewest. */
function judgeGrowth(view: View): Judgement | undefined {
  const memory = growth(view, 'memory')
  const cpu = growth(view, 'cpu')
  if (memory === undefined || cpu === undefined) return undefined
  const cpuOfOne = cpu / 100
  const measured = `memory ${number(memory)}, CPU ${number(cpuOfOne)} times`
  return { measured, isKept: Math.max(memory, cpuOfOne) <= growthMost }
}

function growth(view: View, figure: string): number | undefined {
  const few = view.series('holdfast', 'scale-100', figure)
  const many = view.series('holdfast', 'scale-10000', figure)
  return few && many && median(many.values) / median(few.values)
}

/** One line an aim, a column a Node. */
export function reachTable(results: Results): string {
  return table(results, () => true)
}

/** The same without what was not measured. */
export function measuredReach(results: Results): string {
  return table(results, (judgements) => judgements.some((judgement) => judgement !== undefined))
}

function table(results: Results, isMeant: (judgements: readonly (Judgement | undefined)[]) => boolean): string {
  const views = results.nodes.map((node) => new View(results, node))
  const header = ['', ...results.nodes.map((node) => `Node ${node}`)]
  const lines = aims.flatMap(({ what, judge }) => {
    const judgements = views.map(judge)
    return isMeant(judgements) ? [[what, ...judgements.map(judgementText)]] : []
  })
  return markdownTable([header, ...lines])
}

function judgementText(judgement: Judgement | undefined): string {
  if (judgement === undefined) return '–'
  const { measured, bare, isKept } = judgement
  if (isKept) return `kept: ${measured}`
  return bare === undefined ? `**not kept: ${measured}**` : `**not kept: ${measured}** (${clientLabels.bare}: ${bare})`
}
