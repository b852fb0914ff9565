import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { prepareAsyncssh, startAsyncssh } from './asyncssh.js'
import { skipReason } from './availability.js'
import { untilCommandIsGone, untilCommandRuns } from './remote-command.js'
import { run } from './run.js'
import { sshArguments, sshWithPassword } from './ssh-command.js'

const skip = skipReason(await prepareAsyncssh())

describe('AsyncSSH', { skip }, () => {
  for (const username of ['root', 'holdfast-test']) {
    test(`lets ${username} in by key and runs a command as that user`, async () => {
      await using server = await startAsyncssh()
      const { stdout } = await run('ssh', sshArguments(server, { username, command: 'id -un' }))
      assert.equal(stdout, `${username}\n`)
    })
  }

  test('passes on exit status, output and errors', async () => {
    await using server = await startAsyncssh()
    const ended = run('ssh', sshArguments(server, { command: 'echo out; echo err >&2; exit 7' }))
    await assert.rejects(ended, /exit code 7\n[^]*err\nout\n/)
  })

  test('asks in rounds', async () => {
    const rounds = [
      { name: 'Door', instructions: 'Knock', prompts: [{ text: 'Who? ', echo: true, answer: 'me' }] },
      { name: '', instructions: '', prompts: [{ text: 'Code? ', echo: false, answer: 'me' }] },
    ]
    await using server = await startAsyncssh({ rounds, methods: ['keyboard-interactive'] })
    const { stdout } = await sshWithPassword(server, 'me', 'echo in')
    assert.equal(stdout, 'in\n')
  })

  test('takes a password', async () => {
    await using server = await startAsyncssh({ methods: ['password'] })
    const { stdout } = await sshWithPassword(server, server.password, 'echo in')
    assert.equal(stdout, 'in\n')
  })

  test('asks for a new password, and takes any', async () => {
    await using server = await startAsyncssh({ methods: ['password'], passwordChange: 'Too old' })
    const { stdout, stderr } = await sshWithPassword(server, server.password, 'echo in')
    assert.equal(stdout, 'in\n')
    assert.match(stderr, /Too old/)
  })

  test('carries much data both ways', async () => {
    await using server = await startAsyncssh()
    const input = 'abcdefg\n'.repeat(1_000_000)
    const { stdout } = await run('ssh', sshArguments(server, { command: 'cat' }), { input })
    assert.ok(stdout === input)
  })

  test('ends a command whose client is gone, and stop() leaves nothing', { timeout: 30_000 }, async () => {
    const server = await startAsyncssh()
    const aborting = new AbortController()
    const ended = run('ssh', sshArguments(server, { command: 'exec sleep 30000' }), { signal: aborting.signal })
    await untilCommandRuns(server, 'sleep 30000')
    aborting.abort()
    await assert.rejects(ended)
    await untilCommandIsGone(server, 'sleep 30000')

    await server.stop()
    assert.deepEqual(await server.processes(), [])
    assert.ok(!existsSync(server.directory))
  })
})
