import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { toolEnvironment } from './environment.js'

const waitSeconds = 300

/**
 * Runs `work` while holding a lock that other processes respect. The lock is held by a flock(1) that
 * lives as long as our end of its pipe, so a test process that dies gives it back.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', ['-w', String(waitSeconds), path, 'sh', '-c', 'echo locked; exec cat'], {
    env: toolEnvironment,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder, 'spawn')
  const released = once(holder, 'close')
  try {
    if (!(await producesOutput(holder.stdout))) throw new Error(`no lock on ${path} within ${waitSeconds} s`)
    return await work()
  } finally {
    holder.stdin.end()
    await released
  }
}

async function producesOutput(stream: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of stream) return true
  return false
}
