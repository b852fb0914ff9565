import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A directory that the user of a test's sshd may write to, gone after the test. */
export function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-ssh2-'))
  chmodSync(path, 0o777)
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}
