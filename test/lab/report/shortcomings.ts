import type { Matrix, PeerState, Verdict } from '../matrix/record.js'
import { clientNames } from '../record.js'
import { type MeasuredRow, measuredRows } from './measured-row.js'
import type { LabRun } from './run.js'
import { clientLabels } from './words.js'

/** A machine may be busy, and what was heard last was heard before the fault, which takes a while to make. */
const [earlyMs, lateMs] = [2000, 3000]

/** What keeps the page from saying all that it should, and that each promise was kept; nothing, where all is well. */
export function shortcomings({ matrix, records }: LabRun): readonly string[] {
  return [...brokenPromises(matrix), ...measuredRows(records).flatMap(unmeasured)]
}

function unmeasured({ text, findings }: MeasuredRow): readonly string[] {
  return clientNames.flatMap((client) => {
    const finding = findings[client] ?? { state: 'skipped', why: 'it left no record' }
    if (finding.state === 'measured' || finding.state === 'not-applicable') return []
    return [`row ${text.number}, ${clientLabels[client]}: ${finding.why}`]
  })
}

function brokenPromises({ ways, columns }: Matrix): readonly string[] {
  return columns.flatMap(({ scene, peer, cells }) =>
    ways.flatMap(({ name, boundMs }, index) => {
      const verdict = cells[index]
      if (boundMs === undefined || isKept(peer, verdict, boundMs)) return []
      return [`matrix, ${scene}, ${name}: ${JSON.stringify(verdict)}`]
    }),
  )
}

function isKept(peer: PeerState, verdict: Verdict | undefined, boundMs: number): boolean {
  if (verdict === undefined || verdict.verdict === 'nothing') return false
  if (peer === 'gone')
    return verdict.verdict === 'given-up' && verdict.ms >= boundMs - earlyMs && verdict.ms <= boundMs + lateMs
  return verdict.verdict === 'kept' || peer === 'forgotten while blocked'
}
