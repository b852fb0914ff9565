/** The public interface against the embedded server, so that it is tried on every machine. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type TestContext, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import type { Client, Sftp } from 'holdfast'
import { client, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { folderServer } from './folder-server.js'
import { SftpScript } from './scripted.js'

leavesNothing()

async function session(t: TestContext): Promise<{ ssh: Client; sftp: Sftp; folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-sftp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const ssh = await client(t, await server(t, { subsystems: { sftp: folderServer(folder) } }))
  return { ssh, sftp: await ssh.sftp(), folder }
}

test('a file goes up and comes back, whole and as streams', async (t) => {
  const { sftp, folder } = await session(t)
  const bytes = randomBytes(3_000_000)
  await sftp.writeFile('up', bytes)
  assert.ok(bytes.equals(await readFile(path.join(folder, 'up'))))
  await pipeline(sftp.createReadStream('up'), sftp.createWriteStream('copy'))
  assert.ok(bytes.equals(await sftp.readFile('copy')))
  assert.deepEqual((await sftp.readdir('.')).toSorted(), ['copy', 'up'])
})

test('bytes of another realm, as those of a vm context, are bytes', async (t) => {
  const { ssh, sftp } = await session(t)
  const foreign = runInNewContext('new Uint8Array([104, 105])') as Uint8Array
  assert.ok(!(foreign instanceof Uint8Array))
  await sftp.writeFile(foreign, foreign)
  await sftp.appendFile('hi', [foreign])
  const handle = await sftp.open('hi', 'r+')
  await handle.write(foreign, { position: 4 })
  await handle.close()
  assert.equal(await sftp.readFile('hi', 'utf8'), 'hihihi')
  assert.equal((await ssh.exec('cat', { stdin: foreign })).stdout, 'hi')
})

test('a time of another realm is a time', async (t) => {
  const { sftp } = await session(t)
  const foreign = runInNewContext('new Date(1_000_000_000)') as Date
  assert.ok(!(foreign instanceof Date))
  await sftp.writeFile('dated', '')
  await sftp.utimes('dated', foreign, foreign)
  const { atimeMs, mtimeMs } = await sftp.stat('dated')
  assert.deepEqual([atimeMs, mtimeMs], [1_000_000_000, 1_000_000_000])
})

test('what a server offers and cannot be used is told to whoever watches', async (t) => {
  const told: unknown[] = []
  const listener = (message: unknown): void => void told.push(message)
  subscribe('holdfast:fallback', listener)
  t.after(() => unsubscribe('holdfast:fallback', listener))
  const target = await server(t, {
    subsystems: {
      sftp: async ({ stdin, stdout }) => {
        const script = new SftpScript({ offers: ['limits'] }, (bytes) => stdout.write(bytes))
        for await (const bytes of stdin as AsyncIterable<Buffer>) script.receive(bytes)
      },
    },
  })
  await (await (await client(t, target)).sftp()).close()
  const [{ what, why, host }] = told as [{ what: string; why: string; host: string }]
  assert.deepEqual([told.length, what, host], [1, 'limits@openssh.com', `127.0.0.1:${target.port}`])
  assert.match(why, /status 0/)
})

test('a handle is where its last call left it', async (t) => {
  const { sftp } = await session(t)
  const handle = await sftp.open('lines', 'w+')
  for (const line of ['one\n', 'two\n', 'three\n']) await handle.write(line)
  assert.equal(await handle.readFile('utf8'), '')
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(100), { position: 4 })
  assert.equal(buffer.toString('utf8', 0, bytesRead), 'two\nthree\n')
  await handle.writeFile('four')
  assert.equal(await sftp.readFile('lines', 'utf8'), 'one\ntwo\nthree\nfour')
  await assert.rejects(handle.read(Buffer.alloc(4), 2, 3), { code: 'ERR_SSH_OPTION' })
  await assert.rejects(handle.read(Buffer.alloc(4), { position: -1 }), { code: 'ERR_SSH_OPTION' })
  await handle.close()
})

test('a stream that is asked for wrongly opens no file', async (t) => {
  const { sftp } = await session(t)
  assert.throws(() => sftp.createWriteStream('x', { start: -1 }), { code: 'ERR_SSH_OPTION' })
  assert.throws(() => sftp.createReadStream('x', { start: -1 }), { code: 'ERR_SSH_OPTION' })
  await new Promise(setImmediate)
  assert.equal(await sftp.exists('x'), false)
})

test('a stream that nobody reads to its end closes its file', async (t) => {
  const { sftp } = await session(t)
  await sftp.writeFile('long', Buffer.alloc(5_000_000))
  for await (const chunk of sftp.createReadStream('long') as AsyncIterable<Buffer>) if (chunk.length > 0) break
  const [entry] = await sftp.readdir('.', { withFileTypes: true })
  assert.equal(entry?.stats.size, 5_000_000)
})

test('what a server does not offer is ENOTSUP, and says what is missing', async (t) => {
  const { sftp } = await session(t)
  const missing = { code: 'ENOTSUP', status: 8, syscall: 'statfs', path: '/' }
  await assert.rejects(sftp.statfs('/'), { ...missing, message: /does not offer statvfs@openssh.com, statfs '\/'/ })
  await assert.rejects(sftp.expandPath('~'), { code: 'ENOTSUP' })
  await assert.rejects(sftp.lutimes('x', 1, 1), { code: 'ENOTSUP' })
})

test('an error shows who asked', async (t) => {
  const { sftp } = await session(t)
  const asks = (): Promise<unknown> => sftp.stat('/none')
  await assert.rejects(asks(), (error: Error) => {
    assert.match(error.stack ?? '', /^HoldfastError: ENOENT: No such file, stat '\/none'\n(.*\n)*.*\basks\b/)
    return true
  })
})

test('what is asked for wrongly is not sent', async (t) => {
  const { sftp } = await session(t)
  const wrong = [
    () => sftp.stat(''),
    () => sftp.stat('a\0b'),
    () => sftp.stat('x'.repeat(40_000)),
    () => sftp.chmod('x', 'rwx'),
    () => sftp.chmod('x', -1),
    () => sftp.chown('x', -1, 0),
    () => sftp.utimes('x', 'now', 0),
    () => sftp.truncate('x', 0.5),
    () => sftp.access('x', 1),
    () => sftp.readFile('x', { encoding: 'utf9' as 'utf8' }),
    () => sftp.open('x', 'rw' as 'r'),
    () => sftp.stat('x', { signal: {} as AbortSignal }),
  ]
  for (const call of wrong) await assert.rejects(call(), { code: 'ERR_SSH_OPTION' }, String(call))
})

test('the signal of a session ends it, with all that waits', async (t) => {
  const { ssh, sftp } = await session(t)
  const stop = new AbortController()
  const other = await ssh.sftp(stop)
  const aborted = { name: 'AbortError', code: 'ERR_SSH_ABORTED', cause: 'enough' }
  const pending = assert.rejects(other.stat('/'), aborted)
  const stream = assert.rejects(other.createReadStream('/none').toArray(), aborted)
  stop.abort('enough')
  await Promise.all([pending, stream])
  await assert.rejects(other.stat('/'), aborted)
  await assert.rejects(ssh.sftp(stop), aborted)
  await other.close()
  assert.ok((await sftp.stat('/')).isDirectory())
})

test('sessions are side by side, and end with their client', async (t) => {
  const { ssh, sftp } = await session(t)
  const other = await ssh.sftp()
  await Promise.all([sftp.writeFile('a', 'a'), other.writeFile('b', 'b')])
  assert.equal(ssh.stats().sessions.open, 2)
  await other.close()
  assert.equal(await sftp.readFile('b', 'utf8'), 'b')
  await ssh.close()
  await assert.rejects(sftp.stat('b'), { code: 'ERR_SSH_CLOSED' })
})
