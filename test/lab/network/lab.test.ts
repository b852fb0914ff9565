import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { skipReason } from '../../servers/availability.js'
import { prepareDropbear } from '../../servers/dropbear.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { run } from '../../servers/run.js'
import { sshArguments } from '../../servers/ssh-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { openLab, prepareLab } from './lab.js'

const preparations = [prepareLab(), prepareSshd('9.2'), prepareSshd('10'), prepareDropbear('2025')]
const skip = (await Promise.all(preparations)).map(skipReason).find((reason) => reason !== false) ?? false

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
})
