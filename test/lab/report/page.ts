/** Writes docs/failures.md from what a run of the lab measured. */
import { clientNames } from '../record.js'
import { matrixTable } from './matrix-table.js'
import { type MeasuredRow, measuredRows } from './measured-row.js'
import type { LabRun } from './run.js'
import { timeline, timelineText } from './timeline.js'
import { atAGlance, cell, clientLabels, inFull } from './words.js'

/** Where clients differ most: a forgetful NAT, a slow link, a limit, a close, and a peer that hears no more. */
const pictured: ReadonlySet<number> = new Set([1, 6, 22, 26, 47])

/** @returns the text of each file, by its path in the repository */
export function failuresPage(run: LabRun): ReadonlyMap<string, string> {
  const rows = measuredRows(run.records)
  const files = new Map([['docs/failures.md', page(run, rows)]])
  for (const row of rows.filter(hasPicture)) files.set(`docs/${picturePath(row)}`, timeline(row))
  return files
}

function page(run: LabRun, rows: readonly MeasuredRow[]): string {
  return `# Failures, and what each client does

${introduction(run)}

## What notices that the peer is gone?

The question that this project comes from: is SO_KEEPALIVE not enough? Each way below was tried in each scene, by Holdfast's own
options, and watched from the fault on. A time is when it was noticed, with what noticed it. **Bold** is where a program waits
without knowing, or loses a connection that could be kept.

${matrixTable(run.matrix)}

SO_KEEPALIVE asks the peer's kernel, never its process; it is silent while data is on its way; and its questions are empty
segments, which some firewalls drop. What it alone can do is keep a NAT's memory alive while our own event loop is blocked.
So Holdfast asks by SSH, and leaves SO_KEEPALIVE on beside it, with the kernel's values unless told otherwise.

## Every failure at a glance

${glance(rows)}

## The failures one by one

${rows.map(section).join('\n\n')}

This page is written by \`npm run lab:report\`, from what it measured. Its times are nobody's words.
`
}

function introduction({ date, versions }: LabRun): string {
  const { holdfast, ssh2, openssh, servers, node, kernel } = versions
  return `Every time on this page was measured in one run of \`npm run lab:report\`, on ${date}: real servers and kernels, behind a
gateway with NAT and connection tracking, in network namespaces of one machine. Rows marked *scripted* need a peer that breaks the
protocol on purpose, and have one. "Not within 20 s" says how long a client was watched, and no more. **Bold** is a client that
waits on without a word, kills what lives, or leaves undone what it should do. Where a failure makes no sense for a client
there is a dash, and its section says why.

| | version | options, unless a row says otherwise |
|---|---|---|
| Holdfast | ${cell(holdfast)}, Node ${cell(node)} | \`keepalive: { interval: '1s', countMax: 3 }\` |
| npm ssh2 | ${cell(ssh2)}, Node ${cell(node)} | \`keepaliveInterval: 1000, keepaliveCountMax: 3, readyTimeout: 10_000\` |
| OpenSSH | ${cell(openssh)} | \`ServerAliveInterval=1 ServerAliveCountMax=3 ConnectTimeout=10\` |
| servers | OpenSSH ${servers.map(cell).join(' and ')}, unless a row says otherwise | |
| kernel | Linux ${cell(kernel)} | |

All three probe every second, to keep the run short. Holdfast's default is every 15 s: what is reported within 4 s here is
reported within 60 s there.`
}

function glance(rows: readonly MeasuredRow[]): string {
  const header = ['#', 'failure', ...clientNames.map((client) => clientLabels[client])]
  const lines = rows.map(({ text, findings }) => [
    `[${text.number}](#row-${text.number})`,
    cell(text.failure),
    ...clientNames.map((client) => atAGlance(findings[client])),
  ])
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function section(row: MeasuredRow): string {
  const { number, failure, expected, how, bound, code, scripted, scale } = row.text
  const made = `${how}${scale === undefined ? '' : `; ${scale}`}${scripted ? ' (*scripted*)' : ''}`
  const parts = [
    `<a id="row-${number}"></a>\n\n### ${number}. ${cell(capitalized(failure))}`,
    expected,
    `- How: ${made}\n- Promise: ${bound}\n- Code: ${codeText(code)}`,
    clientTable(row),
    ...(hasPicture(row) ? [`![${pictureText(row)}](${picturePath(row)})`] : []),
  ]
  return parts.join('\n\n')
}

/** A name of the program, which begins as it is written there. */
const isCode = /^\w+\(/

function capitalized(text: string): string {
  return isCode.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)
}

function codeText(code: string): string {
  return code.replaceAll(/ERR_SSH_\w+/g, '`$&`')
}

function clientTable({ findings }: MeasuredRow): string {
  const lines = clientNames.map((client) => {
    const finding = findings[client]
    const full = finding === undefined ? 'not measured' : cell(inFull(finding))
    return `| ${clientLabels[client]} | ${atAGlance(finding)} | ${full} |`
  })
  return ['| client | outcome | what it said or did |', '|---|---|---|', ...lines].join('\n')
}

function hasPicture({ text, findings }: MeasuredRow): boolean {
  return pictured.has(text.number) && findings.holdfast?.state === 'measured'
}

function picturePath({ text }: MeasuredRow): string {
  return `failures/row-${text.number}.svg`
}

function pictureText(row: MeasuredRow): string {
  return `Time line: ${timelineText(row).replaceAll(']', '')}`
}
