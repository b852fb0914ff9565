/** How outcomes are put into words. */
import type { ClientName, Finding } from '../record.js'
import type { Sighting } from '../watch.js'

export const clientLabels: Readonly<Record<ClientName, string>> = {
  holdfast: 'Holdfast',
  ssh2: 'npm ssh2',
  openssh: 'OpenSSH',
}

type Kind = Sighting['outcome']['kind']

/** Whether a client did what a person would hope for. */
const isGood: Readonly<Record<Kind, boolean>> = {
  reported: true,
  kept: true,
  ended: true,
  'killed-wrongly': false,
  never: false,
  failed: false,
}

export function endedWell({ outcome }: Sighting): boolean {
  return isGood[outcome.kind]
}

export function seconds(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 1000).toFixed(1)} s`
}

/** A length of time that was chosen, not measured. */
export function wholeSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

const glances: Readonly<Record<Kind, (ms: number) => string>> = {
  reported: (ms) => `reported, ${seconds(ms)}`,
  kept: () => 'kept',
  ended: (ms) => `ended, ${seconds(ms)}`,
  'killed-wrongly': (ms) => `**killed a living link**, ${seconds(ms)}`,
  never: (ms) => `**not within ${wholeSeconds(ms)}**`,
  failed: (ms) => `**failed**, ${seconds(ms)}`,
}

/** One cell of the table of all rows. */
export function atAGlance(finding: Finding | undefined): string {
  if (finding === undefined || finding.state === 'skipped') return 'not measured'
  if (finding.state === 'broken') return '**measuring failed**'
  if (finding.state === 'not-applicable') return '–'
  const { kind, ms } = finding.sighting.outcome
  return glances[kind](ms)
}

/** The longer form, beside the short one in a row's own section. */
export function inFull(finding: Finding): string {
  if (finding.state === 'not-applicable') return finding.why
  if (finding.state === 'skipped') return finding.why
  if (finding.state === 'broken') return finding.why.split('\n', 1)[0] ?? ''
  return finding.sighting.outcome.text
}

/** Text for a cell of a Markdown table, whatever is in it. */
export function cell(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/\s*\n\s*/g, ' ')
}
