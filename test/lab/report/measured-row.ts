import { type ClientName, clientNames, type Finding, type RowRecord, type RowText } from '../record.js'
import { clientLabels } from './words.js'

/** One row, with what was found of each client. */
export interface MeasuredRow {
  readonly text: RowText
  readonly findings: Partial<Readonly<Record<ClientName, Finding>>>
}

/** In the order of their numbers. */
export function measuredRows(records: readonly RowRecord[]): readonly MeasuredRow[] {
  const rows = new Map<number, MeasuredRow>()
  for (const { row, client, finding } of records) {
    rows.set(row.number, { text: row, findings: { ...rows.get(row.number)?.findings, [client]: finding } })
  }
  return [...rows.values()].toSorted((a, b) => a.text.number - b.text.number)
}

/** What keeps the page from saying all that it should; nothing, where every cell was measured. */
export function shortcomings(records: readonly RowRecord[]): readonly string[] {
  return measuredRows(records).flatMap(({ text, findings }) =>
    clientNames.flatMap((client) => {
      const finding = findings[client] ?? { state: 'skipped', why: 'it left no record' }
      if (finding.state === 'measured' || finding.state === 'not-applicable') return []
      return [`row ${text.number}, ${clientLabels[client]}: ${finding.why}`]
    }),
  )
}
