import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { skipReason } from './availability.js'
import { untilCommandRuns } from './remote-command.js'
import { run } from './run.js'
import { sshArguments, sshWithPassword } from './ssh-command.js'
import { prepareSshd, startSshd } from './sshd.js'

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`sshd ${version}`, { skip }, () => {
    for (const username of ['root', 'holdfast-test']) {
      test(`lets ${username} in by key`, async () => {
        await using server = await startSshd({ version })
        const { stdout } = await run('ssh', sshArguments(server, { username, command: 'id -un' }))
        assert.equal(stdout, `${username}\n`)
      })
    }

    test('obeys its configuration', async () => {
      await using server = await startSshd({ version, config: { ForceCommand: 'echo forced' }, banner: 'Keep out\n' })
      const { stdout, stderr } = await run('ssh', sshArguments(server, { command: 'true' }))
      assert.equal(stdout, 'forced\n')
      assert.match(stderr, /Keep out/)
    })

    test('proves itself by certificate and accepts one', async () => {
      await using server = await startSshd({
        version,
        hostCertificates: true,
        userCertificates: true,
        authorizedKeys: '',
      })
      await run('ssh', sshArguments(server, { command: 'true' }))
      assert.match(server.log(), /Accepted publickey .* ED25519-CERT/)
    })

    test('takes a password', async () => {
      await using server = await startSshd({ version })
      const { stdout } = await sshWithPassword(server, server.password, 'id -un')
      assert.equal(stdout, 'holdfast-test\n')
    })

    test('is its version', async () => {
      await using server = await startSshd({ version })
      const { stderr } = await run('ssh', ['-v', ...sshArguments(server, { command: 'true' })])
      assert.match(stderr, new RegExp(`remote software version OpenSSH_${version.replace('.', '\\.')}`))
    })

    test('stop() leaves no process and no directory, not even a command that nobody waits for', {
      timeout: 30_000,
    }, async () => {
      const server = await startSshd({ version })
      await run('ssh', sshArguments(server, { command: 'setsid sleep 30000 >/dev/null 2>&1 </dev/null &' }))
      await untilCommandRuns(server, 'sleep 30000')

      await server.stop()
      assert.deepEqual(await server.processes(), [])
      assert.ok(!existsSync(server.directory))
      assert.match(server.log(), /Accepted publickey/)
    })
  })
}
