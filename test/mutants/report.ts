import { layers } from './mutant.js'
import type { Fate, Tried } from './trial.js'

const begin = '<!-- mutants: written by npm run mutants -- --write -->'
const end = '<!-- /mutants -->'

export function describeFate(fate: Fate): string {
  if (fate.kind === 'caught') return `caught by ${fate.by}`
  return fate.kind === 'survived' ? 'SURVIVED' : `FAILED: ${fate.why}`
}

/** One line a mutant, then the count, for a terminal. */
export function summary(tried: readonly Tried[]): string {
  const width = Math.max(...tried.map(({ mutant }) => mutant.name.length))
  const rows = tried.map(({ mutant, fate }) => `${mutant.name.padEnd(width)}  ${firstLine(describeFate(fate))}`)
  return [...rows, '', counts(tried)].join('\n')
}

/** @returns a page with the list in place of the one that it holds, or at its end */
export function intoPage(page: string, tried: readonly Tried[]): string {
  const section = [begin, ...table(tried), end].join('\n')
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) return `${page.trimEnd()}\n\n## Deliberate defects\n\n${section}\n`.trimStart()
  return page.slice(0, from) + section + page.slice(to + end.length)
}

function table(tried: readonly Tried[]): string[] {
  const rows = tried.map(({ mutant: { name, title, layer, writtenFrom }, fate }) =>
    row([name.slice(0, 2), title, layer, writtenFrom, fate.kind === 'caught' ? fate.by : describeFate(fate)]),
  )
  const intro = [
    'Each row is a patch of `test/mutants/`, applied to a clean copy by `npm run mutants`, which exits 1 when one survives,',
    'no longer applies or does not build. Those written from `src alone` were made without sight of the tests.',
    '',
    counts(tried),
    '',
  ]
  return ['', ...intro, row(['', 'defect', 'layer', 'written from', 'caught by']), '|---|---|---|---|---|', ...rows, '']
}

function counts(tried: readonly Tried[]): string {
  const of = (kind: Fate['kind']) => tried.filter(({ fate }) => fate.kind === kind).length
  const perLayer = layers.map((layer) => `${tried.filter(({ mutant }) => mutant.layer === layer).length} in ${layer}`)
  const blind = tried.filter(({ mutant }) => mutant.writtenFrom === 'src alone').length
  return (
    `${tried.length} mutants (${perLayer.join(', ')}; ${blind} written from src alone): ` +
    `${of('caught')} caught, ${of('survived')} survived, ${of('failed')} failed.`
  )
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => firstLine(cell).replaceAll('|', '\\|')).join(' | ')} |`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
