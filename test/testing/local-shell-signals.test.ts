/** Whom the local shell may signal: what its commands left running, and never who got their numbers afterwards. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServer } from 'holdfast/testing'
import { livingMembers } from '#src/testing/process-group.js'
import { connectSsh2, execSsh2 } from './support/ssh2.js'

const skip = process.platform === 'win32' ? 'these commands are for a POSIX shell' : false
const namespace = ['--pid', '--fork', '--mount-proc']
/** The first process of a namespace inherits the orphans, and has to wait for them, which Node.js does not. */
const init = ['sh', '-c', '"$@"; exit $?', 'sh']
const hasNamespaces = process.platform === 'linux' && spawnSync('unshare', [...namespace, 'true']).status === 0
const skipNamespaces = hasNamespaces ? false : 'a PID namespace of its own takes Linux, and root'

test('nobody is asked for or signalled once the commands have ended', { skip }, async (t) => {
  const server = await startServer({ users: { deploy: { password: 'x' } }, shell: true })
  const client = await connectSsh2(server, { password: 'x' })
  for (let count = 0; count < 20; count++) await execSsh2(client, 'true')
  const kill = t.mock.method(process, 'kill')
  client.destroy()
  await server.close()
  assert.deepEqual(
    kill.mock.calls.map((call) => call.arguments),
    [],
  )
})

test('what a command left running is killed with the server', {
  skip: process.platform !== 'linux' && 'takes /proc',
}, async () => {
  const server = await startServer({ users: { deploy: { password: 'x' } }, shell: true })
  const client = await connectSsh2(server, { password: 'x' })
  const { stdout } = await execSsh2(client, '(sleep 30000; true) >/dev/null 2>&1 & echo $$')
  const group = Number(stdout)
  assert.deepEqual(
    server.processes().map(({ pid }) => pid),
    [group],
  )
  client.destroy()
  await server.close()
  assert.deepEqual(server.processes(), [])
  assert.deepEqual(livingMembers(group), [])
})

describe('a stranger that has the number of a command that ended', { skip: skipNamespaces }, () => {
  for (const [what, ...args] of [
    ['at once', 'echo $$'],
    ['after something it had left running', 'sleep 0.3 >/dev/null 2>&1 & echo $$'],
    ['after something it had left running, which was seen', 'sleep 0.3 >/dev/null 2>&1 & echo $$', 'look'],
  ]) {
    test(`is left alone: ${what}`, () => {
      const fixture = fileURLToPath(new URL('fixtures/reused-number.js', import.meta.url))
      const { stdout, stderr } = spawnSync('unshare', [...namespace, ...init, process.execPath, fixture, ...args], {
        encoding: 'utf8',
        timeout: 30_000,
      })
      assert.equal(stdout, `${JSON.stringify({ sameNumber: true, wasKilled: false })}\n`, stderr)
    })
  }
})
