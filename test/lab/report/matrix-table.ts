import type { Matrix, MatrixColumn, PeerState, Verdict } from '../matrix/record.js'
import { cell, seconds, wholeSeconds } from './words.js'

/** Which way notices what, and how each scene was made. */
export function matrixTable({ ways, columns }: Matrix): string {
  const header = ['', ...columns.map(({ scene }) => cell(scene))]
  const rows = ways.map((way, index) => [
    `**${cell(way.name)}**`,
    ...columns.map(({ peer, cells }) => verdictText(peer, cells[index])),
  ])
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n\n${columns.map(explanation).join('\n')}`
}

function explanation({ scene, how }: MatrixColumn): string {
  return `- *${scene}*: ${how}.`
}

function verdictText(peer: PeerState, verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'not measured'
  if (verdict.verdict === 'kept') return 'kept'
  if (verdict.verdict === 'given-up') return `${givenUp[peer]}${seconds(verdict.ms)} (${cell(verdict.by)})`
  return `${unnoticed[peer]} within ${wholeSeconds(verdict.withinMs)}**`
}

const givenUp: Readonly<Record<PeerState, string>> = {
  gone: '',
  there: '**killed wrongly**, ',
  'forgotten when idle': '**lost**, noticed after ',
  'forgotten while blocked': '**lost**, noticed after ',
}

const unnoticed: Readonly<Record<PeerState, string>> = {
  gone: '**not',
  there: '**nothing',
  'forgotten when idle': '**lost, not noticed',
  'forgotten while blocked': '**lost, not noticed',
}
