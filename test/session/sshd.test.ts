import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { CommandError } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, running, sshd } from './sshd.js'

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`commands on sshd ${version}`, { skip }, () => {
    test('give output, error output and exit code', async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const result = await ssh.exec('echo out; echo err >&2; exit 3')
      assert.deepEqual(
        [result.stdout, result.stderr, result.exitCode, result.signal, result.outputOpen],
        ['out\n', 'err\n', 3, null, false],
      )
    })

    test('read what they are given, and end', async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const text = 'ä€𝄞'.repeat(500_000)
      const { stdout } = await ssh.exec('cat', { stdin: text })
      assert.ok(stdout === text)
    })

    test('follow one another a hundred times', async (t) => {
      const ssh = await login(t, await sshd(t, { version, config: { MaxSessions: 1 } }))
      for (let count = 0; count < 100; count++) assert.equal((await ssh.exec(`echo ${count}`)).stdout, `${count}\n`)
    })

    test('wait for one another where the server allows two sessions', async (t) => {
      const ssh = await login(t, await sshd(t, { version, config: { MaxSessions: 2 } }))
      const results = await Promise.all(Array.from({ length: 20 }, (_, index) => ssh.exec(`echo ${index}`)))
      assert.deepEqual(
        results.map(({ stdout }) => stdout),
        results.map((_, index) => `${index}\n`),
      )
    })

    test('lose no byte to a slow reader, although the exit overtakes the output', async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const command = await ssh.spawn('head -c 9000000 /dev/zero')
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of command.stdout as AsyncIterable<Buffer>) {
        bytes += chunk.length
        hash.update(chunk)
        if (bytes % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      assert.equal(hash.digest('hex'), createHash('sha256').update(Buffer.alloc(9_000_000)).digest('hex'))
      assert.equal((await command.exited).outputOpen, false)
    })

    test('say that a background process held the output open', async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      const result = await ssh.exec('sleep 30 & echo hi')
      assert.deepEqual([result.stdout, result.exitCode, result.outputOpen], ['hi\n', 0, true])
    })

    test('end at their limit, on the server too', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server)
      for (const command of ['/usr/bin/sleep 30000', 'sleep 30000; true']) {
        await assert.rejects(ssh.exec(command, { timeout: 200 }), (error) => {
          assert.ok(error instanceof CommandError)
          assert.deepEqual([error.limit, error.remote, error.ending.by], ['timeout', 'terminated', 'signal'])
          return true
        })
      }
      assert.deepEqual(await running(server), [])
    })
  })
}
