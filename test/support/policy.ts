import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after } from 'node:test'

/** A policy of this process, and the folder of it, which may hold what it names. */
export interface ProcessPolicy {
  readonly folder: string
  readonly file: string
}

/** Writes the policy of this process, before its first connection. @param documentOf gets the folder */
export function writePolicy(documentOf: (folder: string) => object): ProcessPolicy {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-policy-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'policy.json')
  writeFileSync(file, JSON.stringify(documentOf(folder), undefined, 2), { mode: 0o644 })
  process.env['HOLDFAST_POLICY'] = file
  return { folder, file }
}
