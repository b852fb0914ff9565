import type { ClientName, Finding, RowRecord, RowText } from '../record.js'

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
