import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startAgent } from './agent.js'
import { skipReason } from './availability.js'
import { run } from './run.js'
import { sshKeygen } from './ssh-keygen.js'
import { installTools } from './tools.js'

const skip = skipReason(await installTools(['ssh-agent', 'ssh-add', 'ssh-keygen']))

test('an agent holds the keys it was given and is gone after stop()', { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-agent-test-'))
  const key = join(directory, 'key')
  try {
    await sshKeygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'held by the agent', '-f', key])
    const agent = await startAgent([key])
    const { stdout } = await run('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK: agent.socket } })
    assert.match(stdout, /held by the agent \(ED25519\)/)

    await agent.stop()
    assert.ok(!existsSync(agent.socket))
    assert.deepEqual(await agent.processes(), [])
  } finally {
    await rm(directory, { recursive: true })
  }
})
