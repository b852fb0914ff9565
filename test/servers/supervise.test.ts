import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { markedProcesses } from './process-tree.js'
import { makeWorkplace, supervise, type Workplace } from './supervise.js'

const skip = process.platform === 'linux' ? false : 'processes are found through /proc'
const self = fileURLToPath(import.meta.url)

// Run as a child of itself, this file is the test that dies half-way.
const [, , directory, logFile, marker] = process.argv
if (directory && logFile && marker) await startAndWaitToDie({ directory, logFile, marker })

async function startAndWaitToDie(workplace: Workplace): Promise<void> {
  const program = { command: 'sh', args: ['-c', 'setsid sleep 30000 & sleep 30000'] }
  await supervise(workplace, program, () => true)
  process.send?.('started')
  await once(process, 'disconnect')
}

test('a test that is killed takes its server with it', { skip, timeout: 30_000 }, async () => {
  const workplace = await makeWorkplace()
  const victim = fork(self, [workplace.directory, workplace.logFile, workplace.marker])
  await once(victim, 'message')
  assert.notDeepEqual(await markedProcesses(workplace.marker), [])

  victim.kill('SIGKILL')
  while (existsSync(workplace.directory)) await sleep(10)
  assert.deepEqual(await markedProcesses(workplace.marker), [])
})

test('a program that cannot start says why', { skip }, async () => {
  const workplace = await makeWorkplace()
  const program = { command: 'sh', args: ['-c', 'echo no such luck; exit 3'] }
  await assert.rejects(
    supervise(workplace, program, () => false),
    /did not start\nno such luck/,
  )
  assert.ok(!existsSync(workplace.directory))
})

test('a stopped process is ended too', { skip }, async () => {
  const workplace = await makeWorkplace()
  const program = await supervise(workplace, { command: 'sleep', args: ['30000'] }, () => true)
  process.kill(program.pid, 'SIGSTOP')
  await program.stop()
  assert.deepEqual(await program.processes(), [])
})
