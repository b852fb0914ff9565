import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Matrix } from '../matrix/record.js'
import type { RowRecord } from '../record.js'
import type { Versions } from './versions.js'

/** All that one run of the lab measured, and with what. */
export interface LabRun {
  /** Day of the run: 2026-11-24. */
  readonly date: string
  readonly versions: Versions
  readonly matrix: Matrix
  readonly records: readonly RowRecord[]
}

const runFile = 'run.json'

/** Beside the records that the rows left there. */
export function saveRun(directory: string, run: Omit<LabRun, 'records'>): void {
  writeFileSync(join(directory, runFile), JSON.stringify(run, null, 2))
}

export function readRun(directory: string): LabRun {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'))
  const names = readdirSync(directory).filter((name) => name.startsWith('row-'))
  const records = names.map((name) => read(name) as RowRecord)
  return { ...(read(runFile) as Omit<LabRun, 'records'>), records }
}
