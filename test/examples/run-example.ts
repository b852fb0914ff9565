import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url))

/** Starts an example with a home of its own, and the password that the servers of these tests take. */
export function startExample(home: string, file: string, args: readonly string[], variables: NodeJS.ProcessEnv = {}) {
  const ofThisTest = { HOME: home, USERPROFILE: home, SSH_AUTH_SOCK: undefined, SSH_PASSWORD: 'secret' }
  const env = { ...process.env, ...ofThisTest, ...variables }
  const program = [path.join(examples, file), ...args]
  return spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
}

/** Runs an example to its own end. */
export async function runExample(...of: Parameters<typeof startExample>) {
  const child = startExample(...of)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, lines: stdout.trim().split('\n'), stderr }
}
