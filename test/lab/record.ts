import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { Sighting } from './watch.js'

export const clientNames = ['holdfast', 'ssh2', 'openssh'] as const
export type ClientName = (typeof clientNames)[number]

/** The part of a row that is text for docs/failures.md. */
export interface RowText {
  /** Of the table of failures. */
  readonly number: number
  /** The table's words, short. */
  readonly failure: string
  /** What a correct client does: one plain sentence. */
  readonly expected: string
  /** How it is reproduced: one line. */
  readonly how: string
  /** 'reported within 4 s (1 s x 3)' */
  readonly bound: string
  /** 'ERR_SSH_…', or 'none: the command ends well'. */
  readonly code: string
  /** The peer breaks the protocol on purpose: a scripted one, our own server or a relay stands in for the real thing. */
  readonly scripted?: true
  /** How long this run of it was, where that differs. */
  readonly scale?: string
}

export type Finding =
  | { readonly state: 'measured'; readonly sighting: Sighting }
  /** The row makes no sense for this client. */
  | { readonly state: 'not-applicable'; readonly why: string }
  /** It could not be run on this machine. */
  | { readonly state: 'skipped'; readonly why: string }
  /** The measuring failed; for Holdfast, also an assertion. */
  | { readonly state: 'broken'; readonly why: string }

/** What one run of one row says of one client: one file of JSON. */
export interface RowRecord {
  readonly row: RowText
  readonly client: ClientName
  readonly finding: Finding
}

const directory = process.env['HOLDFAST_LAB_REPORT']

export const isReporting = directory !== undefined

/** Leaves a record for the report, where one is being made. */
export function record(entry: RowRecord): void {
  if (directory === undefined) return
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, `row-${entry.row.number}-${entry.client}.json`), JSON.stringify(entry, null, 2))
}
