import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServer, type TestServer } from 'holdfast/testing'

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url))
const home = mkdtempSync(path.join(tmpdir(), 'holdfast-examples-'))

/** Runs an example to its own end, with a home of its own. */
async function run(file: string, ...args: string[]) {
  const env = { ...process.env, HOME: home, USERPROFILE: home, SSH_AUTH_SOCK: undefined, SSH_PASSWORD: 'secret' }
  const program = [path.join(examples, file), ...args]
  const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, lines: stdout.trim().split('\n'), stderr }
}

describe('the examples', () => {
  let server: TestServer
  const target = () => `deploy@127.0.0.1:${server.port}`

  before(async () => {
    server = await startServer({ users: { deploy: { password: 'secret' } }, shell: true, forwarding: true })
    mkdirSync(path.join(home, '.ssh'))
    writeFileSync(path.join(home, '.ssh/known_hosts'), `${server.hostKey.knownHostsLine}\n`)
  })
  after(async () => {
    await server.close()
    rmSync(home, { recursive: true })
  })

  test('keepalive.js asks, sleeps as it is told, and asks again', async () => {
    const { code, lines, stderr } = await run('keepalive.js', target(), '200ms', '3')
    assert.equal(code, 0, stderr)
    assert.equal(lines.length, 3)
    for (const line of lines) assert.match(line, /^answered in \d+\.\d ms; asks again in 0\.\d s$/)
  })

  test('two-hops.js runs a command behind two hosts, and ends by itself', async () => {
    const { code, lines, stderr } = await run('two-hops.js', target(), target(), target(), 'echo behind')
    assert.equal(code, 0, stderr)
    assert.deepEqual(lines, ['behind'])
    assert.equal(server.connections.length, 0)
  })

  test('two-hops.js says which host failed', async () => {
    const { code, stderr } = await run('two-hops.js', target(), target(), `nobody@127.0.0.1:${server.port}`)
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^127\\.0\\.0\\.1:${server.port} failed \\(authentication\\)`))
  })

  for (const command of ['sleep 30000', 'sleep 30000; true']) {
    test(`limit.js ends '${command}' at its limit and ends by itself`, async () => {
      const { code, lines, stderr } = await run('limit.js', target(), '1s', command)
      assert.equal(code, 0, stderr)
      assert.match(lines[0] ?? '', /^ERR_SSH_TIMEOUT: limit timeout, returned after [1-4]\.\d\d s$/)
      assert.match(lines[1] ?? '', /^remote command terminated: /)
      assert.deepEqual(server.processes(), [])
    })
  }
})
