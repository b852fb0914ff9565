import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import { type LocalShellOptions, startServer, type TestServer } from 'holdfast/testing'
import type { Client } from 'ssh2'
import { eventually } from './support/eventually.js'
import { connectSsh2, execSsh2, opened, startSsh2 } from './support/ssh2.js'

const skip = process.platform === 'win32' ? 'these commands are for a POSIX shell' : false
const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-shell-'))
after(() => rmSync(directory, { recursive: true }))

describe('the local shell', { skip }, () => {
  let server: TestServer
  let client: Client

  async function start(shell: true | LocalShellOptions): Promise<void> {
    server = await startServer({ users: { deploy: { password: 'x' } }, shell })
    client = await connectSsh2(server, { password: 'x' })
  }

  afterEach(async () => {
    client.destroy()
    await server.close()
    assert.deepEqual(server.processes(), [])
  })

  test('runs commands: input, output, errors, exit code', async () => {
    await start(true)
    const outcome = await execSsh2(client, 'cat; echo oops >&2; exit 3', { stdin: 'through' })
    assert.deepEqual(outcome, { stdout: 'through', stderr: 'oops\n', code: 3, signal: undefined })
    assert.deepEqual(server.processes(), [])
  })

  test('gives them what sshd gives: names, the connection, what the client sent, and nothing of this process', async () => {
    await start(true)
    process.env['HOLDFAST_SECRET_OF_THE_TEST'] = 'x'
    const { stdout } = await execSsh2(client, 'env', { env: { LC_ALL: 'C' } })
    delete process.env['HOLDFAST_SECRET_OF_THE_TEST']
    const lines = stdout.split('\n')
    for (const line of ['USER=deploy', 'LOGNAME=deploy', 'SHELL=/bin/sh', 'LC_ALL=C'])
      assert.ok(lines.includes(line), line)
    const clientPort = server.connections[0]?.clientPort
    assert.ok(lines.includes(`SSH_CONNECTION=127.0.0.1 ${clientPort} 127.0.0.1 ${server.port}`))
    assert.ok(!stdout.includes('HOLDFAST_SECRET'))
  })

  test('carries 20 MB both ways', async () => {
    await start(true)
    const sent = Buffer.alloc(20 * 1024 * 1024, 'holdfast')
    const { stdout } = await execSsh2(client, 'cat', { stdin: sent })
    assert.equal(stdout.length, sent.length)
  })

  test('throws away input that a command does not read', async () => {
    await start(true)
    const outcome = await execSsh2(client, 'exec <&-; echo done', { stdin: Buffer.alloc(5 * 1024 * 1024) })
    assert.deepEqual([outcome.stdout, outcome.code], ['done\n', 0])
  })

  test('serves as a shell without a command', async () => {
    await start(true)
    const { channel, outcome } = await opened((done) => client.shell(false, done))
    channel.end('echo a shell\nexit 4\n')
    assert.deepEqual(await outcome, { stdout: 'a shell\n', stderr: '', code: 4, signal: undefined })
  })

  test('with a terminal asked for, shows errors where the output is, and names the terminal', async () => {
    await start(true)
    const pty = { term: 'xterm', cols: 132, rows: 50 }
    const outcome = await execSsh2(client, 'echo $TERM $COLUMNS $LINES; echo oops >&2', { pty })
    assert.deepEqual([outcome.stdout, outcome.stderr], ['xterm 132 50\noops\n', ''])
  })

  test('delivers signals to the whole process group', async () => {
    await start(true)
    const { channel, outcome } = await startSsh2(client, 'sleep 30000; true')
    assert.deepEqual(
      server.processes().map(({ command }) => command),
      ['sleep 30000; true'],
    )
    channel.signal('TERM')
    const { code, signal } = await outcome
    assert.deepEqual([code, signal], [null, 'SIGTERM'])
    await eventually('the sleep is gone too', () => server.processes().length === 0)
  })

  test('drops signals without a word, if it is told to', async () => {
    await start({ signals: 'ignore' })
    const { channel, outcome } = await startSsh2(client, 'cat')
    channel.signal('KILL')
    channel.end('unharmed')
    assert.deepEqual(await outcome, { stdout: 'unharmed', stderr: '', code: 0, signal: undefined })
  })

  test('tells the exit at once, and closes when the last child has let go of the output', async () => {
    await start(true)
    const fifo = path.join(directory, 'fifo')
    const { channel, outcome } = await startSsh2(client, `mkfifo ${fifo}; (cat ${fifo}; echo late) & exit 5`)
    await once(channel, 'exit')
    // Elsewhere, what a command left running cannot be told from strangers.
    assert.equal(server.processes().length, process.platform === 'linux' ? 1 : 0)
    await execSsh2(client, `echo go > ${fifo}`)
    assert.deepEqual(await outcome, { stdout: 'go\nlate\n', stderr: '', code: 5, signal: undefined })
  })

  test('leaves a command running whose session or connection ended, as sshd does, until the server closes', async () => {
    await start(true)
    const { channel, outcome } = await startSsh2(client, 'sleep 30000')
    channel.close()
    await outcome
    await startSsh2(client, 'sleep 30001')
    client.destroy()
    await eventually('the connection is gone', () => server.connections.length === 0)
    assert.equal(server.processes().length, 2)
  })

  test('closes the output of a command that it leaves running', async () => {
    await start(true)
    const file = path.join(directory, 'survived')
    const { channel, outcome } = await startSsh2(client, `while sleep 0.05; do echo tick; done; touch ${file}`)
    await once(channel, 'data')
    channel.close()
    await outcome
    await eventually('the shell died of its closed output', () => server.processes().length === 0)
    assert.ok(!existsSync(file))
  })

  test('kills a command whose session ended, if it is told to', async () => {
    await start({ afterClose: 'end' })
    const { channel, outcome } = await startSsh2(client, 'sleep 30000; true')
    channel.close()
    await outcome
    await eventually('the command is gone', () => server.processes().length === 0)
  })

  test('hangs up on a command whose terminal is gone', async () => {
    await start(true)
    const { channel, outcome } = await startSsh2(client, 'sleep 30000', { pty: true })
    channel.close()
    await outcome
    await eventually('the command is gone', () => server.processes().length === 0)
  })
})
