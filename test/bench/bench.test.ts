import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { skipReason } from '../servers/availability.js'
import { run } from '../servers/run.js'
import { prepareSshd } from '../servers/sshd.js'

const skip = skipReason(await prepareSshd('9.2'))
const program = fileURLToPath(new URL('../../bench/main.js', import.meta.url))

async function bench(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [program, '--rounds', '1', '--scale', '0.002', ...args])).stdout
}

test('the harness measures each workload, and says what Holdfast has of the others', {
  skip,
  timeout: 200_000,
}, async () => {
  const only = 'exec,download,small-put,far-exec'
  const table = await bench('--clients', 'holdfast,openssh', '--only', only)
  for (const workload of only.split(','))
    assert.match(table, new RegExp(`^${workload}: .*\n .* of OpenSSH \\(`, 'm'), table)
})

test('the bare loop does each workload that it has a part in', { skip, timeout: 200_000 }, async () => {
  const only = 'one-shot,exec,execs,download,upload,sftp,small,tree'
  const table = await bench('--clients', 'bare', '--only', only)
  const names = ['one-shot', 'exec', 'execs', 'download', 'upload']
  const files = ['sftp', 'small', 'tree'].flatMap((what) => [`${what}-get`, `${what}-put`])
  for (const workload of [...names, ...files])
    assert.match(table, new RegExp(`^${workload}: .*\n  a bare loop \\(`, 'm'))
})

test('a client that has no such thing has no figure', { skip, timeout: 60_000 }, async () => {
  const table = await bench('--clients', 'openssh', '--only', 'liveness,small-get')
  assert.match(table, /small-get: .*in turn/)
  assert.doesNotMatch(table, /liveness|at once/)
})

test('a name that is none is refused with those that are', async () => {
  await assert.rejects(bench('--only', 'downlaod'), /the workloads are .*download/)
  await assert.rejects(bench('--clients', 'openshs'), /the clients are .*openssh/)
})
