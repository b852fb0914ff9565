import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ProxyCommand } from '#src/socket/proxy-command.js'
import { findPosixTools } from '../support/posix-tools.js'
import { runScript } from './run-script.js'

findPosixTools()

const skip = process.platform === 'win32' ? 'the commands are for sh' : false

function start(t: TestContext, command: string): ProxyCommand {
  const proxy = new ProxyCommand(command)
  t.after(() => proxy.destroy())
  return proxy
}

function errorOf(proxy: ProxyCommand): Promise<Error> {
  return new Promise((resolve) => proxy.once('error', resolve))
}

function assertError(error: Error, expected: object): void {
  assert.throws(() => {
    throw error
  }, expected)
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A command line that writes its process ids to a file, and a look into it. */
async function pidFile(t: TestContext): Promise<{ file: string; pids: (count: number) => Promise<number[]> }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'proxy-command-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = path.join(directory, 'pids')
  const pids = async (count: number): Promise<number[]> => {
    for (;;) {
      const found = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
      if (found.length === count) return found.map(Number)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return { file, pids }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(runs)) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('bytes go both ways, whole and in order, far beyond what the pipes hold', { skip }, async (t) => {
  const proxy = start(t, 'cat')
  const sent = Buffer.alloc(3_000_000, 'The quick brown fox jumps over the lazy dog. ')
  proxy.cork()
  for (let at = 0; at < sent.length; at += 32_768) proxy.write(sent.subarray(at, at + 32_768))
  proxy.uncork()
  proxy.end()
  assert.equal(await text(proxy), sent.toString())
  if (!proxy.closed) await once(proxy, 'close')
})

test('an end that says nothing wrong is an end of the stream', { skip }, async (t) => {
  const proxy = start(t, 'echo SSH-2.0-test')
  assert.equal(await text(proxy), 'SSH-2.0-test\n')
  assert.equal(proxy.errored, null)
})

test('a failure tells the exit code and what stderr said last, cleaned', { skip }, async (t) => {
  const proxy = start(t, String.raw`yes noise | head -2000 >&2; printf 'no route \033[31mto host\n' >&2; exit 3`)
  assertError(await errorOf(proxy), {
    code: 'ERR_SSH_CONNECT',
    phase: 'tcp',
    message: /^the proxy command exited with code 3; it said: .{0,8}(noise \| ){50,80}no route \\x1b\[31mto host$/,
  })
})

test('a failure after the first byte is a connection lost', { skip }, async (t) => {
  const proxy = start(t, 'echo SSH-2.0-test; kill -9 $$').resume()
  assertError(await errorOf(proxy), {
    code: 'ERR_SSH_CONNECTION_LOST',
    message: 'the proxy command was ended by SIGKILL',
  })
})

test('an end before the first byte is a failure whatever the exit code', { skip }, async (t) => {
  assert.match(String(await errorOf(start(t, 'true').resume())), /exited with code 0$/)
})

test('a command that nobody has fails as the shell says', { skip }, async (t) => {
  assert.match(String(await errorOf(start(t, '/nowhere/nc host 22').resume())), /code 127; it said: .*nowhere/)
})

test('a shell that nobody has fails', { skip }, async (t) => {
  const { SHELL } = process.env
  process.env['SHELL'] = '/nowhere/sh'
  t.after(() => {
    if (SHELL === undefined) delete process.env['SHELL']
    else process.env['SHELL'] = SHELL
  })
  assertError(await errorOf(start(t, 'true')), {
    code: 'ERR_SSH_CONNECT',
    message: /^the proxy command could not be started: .*ENOENT/,
  })
})

test('what can be no command line is a wrong option', () => {
  assert.throws(() => new ProxyCommand('a\0b'), { code: 'ERR_SSH_OPTION', phase: 'options' })
})

test('a write into a command that is gone settles with its fate', { skip }, async (t) => {
  const proxy = start(t, 'echo x; exec 0<&-; echo gone away >&2; exit 4').resume()
  const failed = errorOf(proxy)
  await once(proxy, 'data')
  const written = new Promise<Error | null | undefined>((resolve) => {
    proxy.write(Buffer.alloc(3_000_000), resolve)
  })
  const error = await failed
  assert.match(String(error), /exited with code 4; it said: gone away$/)
  assert.equal(await written, error)
})

test('a write that waits for the command to read settles when the stream is destroyed', { skip }, async (t) => {
  const proxy = start(t, 'sleep 1000')
  const written = new Promise<Error | null | undefined>((resolve) => {
    proxy.write(Buffer.alloc(3_000_000), resolve)
  })
  setImmediate(() => proxy.destroy())
  assert.ok((await written) instanceof Error)
})

test('a command that closes its output but stays is given up, and ended', { skip }, async (t) => {
  const { file, pids } = await pidFile(t)
  const proxy = start(t, `echo $$ > ${file}; exec 1>&-; sleep 1000`).resume()
  assert.match(String(await errorOf(proxy)), /closed its end but did not exit$/)
  await untilGone(await pids(1))
})

test('destroyed, the command ends with all that it started, though it takes no TERM', { skip }, async (t) => {
  const { file, pids } = await pidFile(t)
  const stubborn = `trap '' TERM; echo $$ >> ${file}; sleep 1000 & echo $! >> ${file}; wait; sleep 1000`
  const proxy = start(t, stubborn)
  const found = await pids(2)
  proxy.destroy()
  await nextTurn()
  assert.ok(proxy.closed, 'it waits for the command')
  await untilGone(found)
})

test('destroyed, a command that takes TERM has its chance, and leaves nothing behind', { skip }, async (t) => {
  const { file, pids } = await pidFile(t)
  const stubborn = `sh -c 'trap "" TERM; echo $$ >> ${file}; sleep 1000; true'`
  const polite = `trap 'echo 1 >> ${file}; exit' TERM; ${stubborn} & wait`
  const proxy = start(t, polite)
  const [left = 0] = await pids(1)
  proxy.destroy()
  await pids(2)
  await untilGone([left])
})

test('a process whose proxy command never ends by itself ends after it was destroyed', { skip }, async () => {
  const { code, stdout, stderr } = await runScript('proxy-command', 'destroyed')
  assert.deepEqual([code, stdout, stderr], [0, 'closed\n', ''])
})

test('without a reference the command does not keep the process', { skip }, async () => {
  const { code, elapsedMs } = await runScript('proxy-command', 'unref')
  assert.equal(code, 0)
  assert.ok(elapsedMs < 20_000)
})
