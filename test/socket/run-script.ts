import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface ScriptResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly elapsedMs: number
}

/** Runs fixtures/NAME.ts in a process of its own, to see whether and how it ends by itself. */
export async function runScript(name: string, ...args: string[]): Promise<ScriptResult> {
  const file = fileURLToPath(new URL(`fixtures/${name}.js`, import.meta.url))
  const startedAt = performance.now()
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  return { code: child.exitCode, stdout, stderr, elapsedMs: performance.now() - startedAt }
}
