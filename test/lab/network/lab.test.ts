import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { skipReason } from '../../servers/availability.js'
import { prepareDropbear } from '../../servers/dropbear.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { run } from '../../servers/run.js'
import { sshArguments } from '../../servers/ssh-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { EchoFlow, startEcho } from './echo.js'
import { openLab, prepareLab } from './lab.js'

const preparations = [prepareLab(), prepareSshd('9.2'), prepareSshd('10'), prepareDropbear('2025')]
const skip = (await Promise.all(preparations)).map(skipReason).find((reason) => reason !== false) ?? false

const self = fileURLToPath(import.meta.url)

// Run as a child of itself, this file is the test that dies half-way.
if (process.argv[2] === 'die') await openAndWaitToDie()

async function openAndWaitToDie(): Promise<void> {
  const lab = await openLab({ hosts: 2 })
  const { directory } = await lab.server.sshd({ version: '9.2' })
  await startEcho(lab.server)
  process.send?.({ directory, pids: await lab.server.processes() } satisfies Left)
  await once(process, 'disconnect')
}

interface Left {
  readonly directory: string
  readonly pids: readonly number[]
}

/** The links to the labs of a process. */
async function cablesOf(pid: number): Promise<readonly string[]> {
  const { stdout } = await run('ip', ['-br', 'link'])
  return stdout.split('\n').filter((line) => line.startsWith(`hf${pid}-`))
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`)
}

describe('a lab', { skip, concurrency: 3, timeout: 60_000 }, () => {
  for (const version of ['9.2', '10'] as const) {
    test(`has an sshd ${version} behind its gateway`, async () => {
      await using lab = await openLab()
      const server = await lab.server.sshd({ version })
      const { stdout } = await run('ssh', sshArguments(server, { command: 'id -un; echo $SSH_CONNECTION' }))
      assert.match(stdout, /^holdfast-test\n198\.1[89]\.\d+\.129 \d+ 198\.1[89]\.\d+\.130 \d+\n$/)
    })
  }

  test('has a dropbear behind its gateway', async () => {
    await using lab = await openLab()
    const server = await lab.server.dropbear({ version: '2025' })
    const { stdout } = await run('ssh', sshArguments(server, { command: 'id -un' }))
    assert.equal(stdout, 'holdfast-test\n')
  })

  test('shows the processes of its servers by ids that signals reach', async () => {
    await using lab = await openLab()
    const server = await lab.server.sshd({ version: '10' })
    const ssh = run('ssh', sshArguments(server, { command: 'sleep 4321' }))
    const ended = assert.rejects(ssh, /exit code 255/)
    const sleeper = await untilCommandRuns(server, 'sleep 4321')

    const all = await server.processes()
    assert.equal(all.find(({ pid }) => pid === server.pid)?.name, 'sshd')
    assert.equal(all.find(({ pid }) => pid === server.pid)?.role, 'listener')
    const inside = await lab.server.processes()
    assert.ok([...all, sleeper].every(({ pid }) => inside.includes(pid)))
    process.kill(sleeper.pid, 'SIGKILL')
    await ended
  })

  test('leaves nothing when it is closed, even with everything still in use', async () => {
    const lab = await openLab({ hosts: 2 })
    const server = await lab.server.sshd({ version: '10' })
    const ssh = run('ssh', sshArguments(server, { command: 'sleep 4322' }))
    const ended = assert.rejects(ssh)
    await untilCommandRuns(server, 'sleep 4322')
    lab.hosts[1]?.start(['sleep', '4323'])
    const pids = [...(await lab.server.processes()), ...((await lab.hosts[1]?.processes()) ?? [])]
    assert.ok(pids.length > 3)

    await Promise.all([lab.close(), lab.close()])
    assert.deepEqual(pids.filter(isRunning), [])
    assert.ok(!existsSync(server.directory))
    await ended
  })

  test('ends with the test that is killed', async () => {
    const victim = fork(self, ['die'])
    const [left] = (await once(victim, 'message')) as [Left]
    assert.ok(left.pids.length > 1)
    assert.equal((await cablesOf(victim.pid ?? 0)).length, 1)

    victim.kill('SIGKILL')
    while (left.pids.some(isRunning) || existsSync(left.directory)) await sleep(10)
    while ((await cablesOf(victim.pid ?? 0)).length > 0) await sleep(10)
  })

  test('does not feel what happens in another', async () => {
    await using one = await openLab()
    await using other = await openLab()
    using flow = await EchoFlow.open(await startEcho(one.server))
    using undisturbed = await EchoFlow.open(await startEcho(other.server))
    await one.gateway.drop({ direction: 'both' })
    await one.gateway.forget()
    assert.ok(!(await flow.echoes('a', 500)))
    assert.ok(await undisturbed.echoes('a'))
  })

  test('runs commands on a host, and ends those that it started', async () => {
    await using lab = await openLab()
    assert.deepEqual(await lab.server.run(['sh', '-c', 'echo $$; echo oops >&2; exit 3']), {
      stdout: '2\n',
      stderr: 'oops\n',
      code: 3,
    })
    const sleeper = lab.server.start(['sleep', '4324'])
    while ((await lab.server.processes()).length === 0) await sleep(10)
    sleeper.kill('SIGKILL')
    while ((await lab.server.processes()).length > 0) await sleep(10)
  })
})
