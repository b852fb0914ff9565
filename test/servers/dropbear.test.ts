import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { skipReason } from './availability.js'
import { prepareDropbear, startDropbear } from './dropbear.js'
import { untilCommandRuns } from './remote-command.js'
import { run } from './run.js'
import { sshArguments, sshWithPassword } from './ssh-command.js'

for (const version of ['2022.83', '2025'] as const) {
  const skip = skipReason(await prepareDropbear(version))

  describe(`dropbear ${version}`, { skip }, () => {
    for (const key of ['ed25519', 'ecdsa', 'rsa'] as const) {
      test(`lets the test user in by ${key} key`, async () => {
        await using server = await startDropbear({ version })
        const { stdout } = await run('ssh', sshArguments(server, { key, command: 'id -un' }))
        assert.equal(stdout, 'holdfast-test\n')
      })
    }

    test('takes a password', async () => {
      await using server = await startDropbear({ version })
      const { stdout } = await sshWithPassword(server, server.password, 'id -un')
      assert.equal(stdout, 'holdfast-test\n')
    })

    test('is its version, and obeys its arguments', async () => {
      await using server = await startDropbear({ version, args: ['-c', 'echo forced'] })
      const { stdout, stderr } = await run('ssh', ['-v', ...sshArguments(server, { command: 'true' })])
      assert.equal(stdout, 'forced\n')
      assert.ok(stderr.includes(`remote software version dropbear_${version}`))
    })

    test('stop() leaves no process and no directory, not even a command that nobody waits for', {
      timeout: 30_000,
    }, async () => {
      const server = await startDropbear({ version })
      await run('ssh', sshArguments(server, { command: 'setsid sleep 30000 >/dev/null 2>&1 </dev/null &' }))
      await untilCommandRuns(server, 'sleep 30000')

      await server.stop()
      assert.deepEqual(await server.processes(), [])
      assert.ok(!existsSync(server.directory))
    })
  })
}
