import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { whyNoSsh } from './ssh.js'

/** The reason for `skip`, where this machine has no ssh to ask. */
export const skip = await whyNoSsh()

/** A directory for one test. */
export function directory(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'holdfast-config-'))
  t.after(() => rmSync(made, { recursive: true }))
  return made
}

/** A file of ssh_config for one test; its path. */
export function configFile(t: TestContext, text: string): string {
  const file = path.join(directory(t), 'config')
  writeFileSync(file, text, { mode: 0o600 })
  return file
}
