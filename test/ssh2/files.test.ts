import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import type { FileEntry, SFTPWrapper, Stats } from 'holdfast/ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { directory } from './directory.js'
import { compare, configOf, dropIn, outcome, ready, type Stage, value } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

async function open({ connect }: Stage): Promise<SFTPWrapper> {
  const client = await connect()
  return value<SFTPWrapper>((done) => client.sftp(done))
}

const about = ({ mode, size, uid }: Stats) => ({ mode, size, isNumber: typeof uid === 'number' })

function thrown(work: () => void): unknown {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return error
  }
}

describe('files over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('every call of SFTP', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { note } = stage
      const sftp = await open(stage)
      const root = directory(t)
      const at = (name: string) => join(root, name)
      const local = (came: unknown) => (typeof came === 'string' ? came.replace(root, 'ROOT') : came)
      note('mkdir', await outcome((done) => sftp.mkdir(at('d'), { mode: 0o700 }, done)))
      note('mkdir again', await outcome((done) => sftp.mkdir(at('d'), done)))
      note('writeFile', await outcome((done) => sftp.writeFile(at('d/a'), 'hello', done)))
      note('appendFile', await outcome((done) => sftp.appendFile(at('d/a'), Buffer.from(' world'), done)))
      note('readFile', await outcome((done) => sftp.readFile(at('d/a'), done)))
      note('readFile text', await outcome((done) => sftp.readFile(at('d/a'), 'utf8', done)))
      note('readFile of nothing', await outcome((done) => sftp.readFile(at('none'), done)))
      note('readFile of a file without size', await outcome((done) => sftp.readFile('/proc/self/comm', 'utf8', done)))
      note('stat', about(await value<Stats>((done) => sftp.stat(at('d/a'), done))))
      note('stat of nothing', await outcome((done) => sftp.stat(at('none'), done)))
      note('exists', await new Promise((done) => sftp.exists(at('d/a'), done)))
      note('exists not', await new Promise((done) => sftp.exists(at('none'), done)))
      note('chmod', await outcome((done) => sftp.chmod(at('d/a'), '640', done)))
      note('utimes', await outcome((done) => sftp.utimes(at('d/a'), 1_000_000, new Date(2_000_000_000), done)))
      const foreign = runInNewContext('new Date(2_000_000_000)') as Date
      note('utimes of another realm', await outcome((done) => sftp.utimes(at('d/a'), foreign, foreign, done)))
      const { atime, mtime, mode } = await value<Stats>((done) => sftp.lstat(at('d/a'), done))
      note('times', atime, mtime, mode)
      note('setstat', await outcome((done) => sftp.setstat(at('d/a'), { size: 5 }, done)))
      note('chown', await outcome((done) => sftp.chown(at('d/a'), 0, 0, done)))
      note('symlink', await outcome((done) => sftp.symlink('a', at('d/link'), done)))
      note('readlink', await outcome((done) => sftp.readlink(at('d/link'), done)))
      note('lstat', (await value<Stats>((done) => sftp.lstat(at('d/link'), done))).isSymbolicLink())
      note('realpath', local(await outcome((done) => sftp.realpath(at('d/../d/link'), done))))
      note('rename', await outcome((done) => sftp.rename(at('d/a'), at('d/b'), done)))
      note('rename of nothing', await outcome((done) => sftp.rename(at('d/a'), at('d/b'), done)))
      note('hardlink', await outcome((done) => sftp.ext_openssh_hardlink(at('d/b'), at('d/c'), done)))
      note('rename over', await outcome((done) => sftp.rename(at('d/b'), at('d/link'), done)))
      await outcome((done) => sftp.writeFile(at('d/e'), 'x', done))
      note('posix rename', await outcome((done) => sftp.ext_openssh_rename(at('d/e'), at('d/c'), done)))
      const entries = await value<FileEntry[]>((done) => sftp.readdir(at('d'), done))
      note('readdir', Object.fromEntries(entries.map(({ filename, attrs }) => [filename, attrs.mode])))
      note(
        'longname',
        entries.every(({ longname, filename }) => longname.includes(filename)),
      )
      const full = await value<FileEntry[]>((done) => sftp.readdir(at('d'), { full: true }, done))
      note('readdir full', Object.fromEntries(full.map(({ filename }) => [filename, true])))
      note('readdir of nothing', await outcome((done) => sftp.readdir(at('none'), done)))
      note('statvfs', Object.keys(await value<object>((done) => sftp.ext_openssh_statvfs(root, done))))
      note('rmdir', await outcome((done) => sftp.rmdir(at('d'), done)))
      note('unlink', await outcome((done) => sftp.unlink(at('d/c'), done)))
      note('unlink of nothing', await outcome((done) => sftp.unlink(at('d/c'), done)))
      note('not allowed', await outcome((done) => sftp.open('/etc/shadow', 'r', done)))
    })
  })

  test('handles, and what is refused at once', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { note } = stage
      const sftp = await open(stage)
      const path = join(directory(t), 'file')
      const handle = await value<Buffer>((done) => sftp.open(path, 'w+', 0o600, done))
      const data = Buffer.alloc(300_000, 'abc')
      note('write', await outcome((done) => sftp.write(handle, data, 10, 250_000, 5, done)))
      note('write nothing', await outcome((done) => sftp.write(handle, data, 0, 0, 0, done)))
      const into = Buffer.alloc(290_000)
      const read = await new Promise((resolve) =>
        sftp.read(handle, into, 3, 280_000, 0, (error, count, bytes, position) =>
          resolve([error ?? null, count, bytes.length, bytes.equals(into.subarray(3, 3 + count)), position]),
        ),
      )
      note('read', read)
      note('read at the end', await outcome((done) => sftp.read(handle, into, 0, 100, 10_000_000, done)))
      note('fstat', about(await value<Stats>((done) => sftp.fstat(handle, done))))
      note('fchmod', await outcome((done) => sftp.fchmod(handle, 0o644, done)))
      note('futimes', await outcome((done) => sftp.futimes(handle, 5, 6, done)))
      note('fsync', await outcome((done) => sftp.ext_openssh_fsync(handle, done)))
      note('close', await outcome((done) => sftp.close(handle, done)))
      note('closed', await outcome((done) => sftp.fstat(handle, done)))
      note(
        'flags',
        thrown(() => sftp.open(path, 'z', () => {})),
      )
      note(
        'offset',
        thrown(() => sftp.read(handle, into, 290_000, 1, 0)),
      )
      note(
        'length',
        thrown(() => sftp.write(handle, into, 289_999, 2, 0)),
      )
      note(
        'no handle',
        thrown(() => sftp.fstat('x' as never, () => {})),
      )
      note(
        'no extension',
        thrown(() => sftp.ext_copy_data(handle, 0, 0, handle, 0)),
      )
    })
  })

  test('fastPut and fastGet', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { note } = stage
      const sftp = await open(stage)
      const root = directory(t)
      const [source, far, back] = ['source', 'far', 'back'].map((name) => join(root, name)) as [string, string, string]
      for (const size of [0, 1, 32_768, 1_000_001]) {
        writeFileSync(source, Buffer.alloc(size, 'some text '))
        let last: unknown
        const step = (total: number, _chunk: number, all: number) => (last = [total, all])
        note(`put ${size}`, await outcome((done) => sftp.fastPut(source, far, { step, mode: 0o640 }, done)), last)
        note(`mode ${size}`, (await value<Stats>((done) => sftp.stat(far, done))).mode)
        note(
          `get ${size}`,
          await outcome((done) => sftp.fastGet(far, back, { concurrency: 3, chunkSize: 10_000 }, done)),
        )
        note(`same ${size}`, readFileSync(back).equals(readFileSync(source)))
        await value((done) => sftp.unlink(far, done))
      }
      note('get nothing', await outcome((done) => sftp.fastGet(join(root, 'none'), back, done)))
      note('put nothing', (await outcome((done) => sftp.fastPut(join(root, 'none'), far, done))) instanceof Error)
      note('put nowhere', await outcome((done) => sftp.fastPut(source, join(root, 'no/where'), done)))
    })
  })

  test('streams', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const { note } = stage
      const sftp = await open(stage)
      const path = join(directory(t), 'file')
      const contents = Buffer.alloc(700_000, '0123456789')
      const written = sftp.createWriteStream(path)
      const closed = once(written, 'close')
      await pipeline(Readable.from([contents.subarray(0, 100), contents.subarray(100)]), written)
      await closed
      note('written', written.bytesWritten, written.pos, readFileSync(path).equals(contents))
      note('mode', (await value<Stats>((done) => sftp.stat(path, done))).mode)
      const appended = sftp.createWriteStream(path, { flags: 'a' })
      appended.end('more')
      await once(appended, 'close')
      const read = sftp.createReadStream(path, { start: 699_998, end: 700_002, encoding: 'utf8' })
      let text = ''
      read.on('data', (chunk: string) => (text += chunk))
      await once(read, 'close')
      note('part', text, read.bytesRead, read.destroyed)
      const parts: Buffer[] = []
      for await (const chunk of sftp.createReadStream(path) as AsyncIterable<Buffer>) parts.push(chunk)
      note('whole', Buffer.concat(parts).length)
      const missing = sftp.createReadStream(join(path, 'none'))
      note('missing', (await once(missing, 'error'))[0])
      const denied = sftp.createWriteStream('/no/where')
      note('denied', (await once(denied, 'error'))[0])
      note('unfinished', await finished(sftp.createReadStream(path).destroy()).then(String, (error: unknown) => error))
    })
  })

  test('options of streams that are none', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const sftp = await open(stage)
      for (const options of [{ start: 'a' }, { end: null }, { start: -1 }, { start: 5, end: 4 }, 5])
        try {
          sftp.createReadStream('/nowhere', options as never).on('error', () => {})
          stage.note('read', 'nothing thrown')
        } catch (error) {
          stage.note('read', error)
        }
    })
  })

  test('answers come in the order of the calls, good and bad', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const sftp = await open(stage)
      const paths = Array.from({ length: 30 }, (_, index) => (index % 3 === 0 ? '/nowhere' : '/'))
      await Promise.all(
        paths.map((path, index) =>
          outcome<Stats>((done) => sftp.stat(path, done)).then(() => stage.note('answered', index)),
        ),
      )
    })
  })

  test('callbacks get as many arguments', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async (stage) => {
      const client = await stage.connect()
      const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
      const [path, other] = [join(directory(t), 'file'), join(directory(t), 'other')]
      const count = async (what: string, call: (done: (...args: unknown[]) => void) => void) => {
        const args = await new Promise<unknown[]>((resolve) => call((...all) => resolve(all)))
        stage.note(what, args.length)
      }
      await count('writeFile', (done) => sftp.writeFile(path, 'text', done))
      await count('readFile', (done) => sftp.readFile(path, done))
      await count('chmod', (done) => sftp.chmod(path, 0o600, done))
      await count('fastGet', (done) => sftp.fastGet(path, other, done))
      await count('fastPut', (done) => sftp.fastPut(path, other, done))
      writeFileSync(path, '')
      await count('fastGet of nothing', (done) => sftp.fastGet(path, other, done))
      await count('fastPut of nothing', (done) => sftp.fastPut(path, other, done))
      await count('stat', (done) => sftp.stat(path, done))
      await count('open', (done) => sftp.open(path, 'r', done))
      await count('readdir', (done) => sftp.readdir('/', done))
      await count('exists', (done) => sftp.exists(path, done))
      await count('unlink', (done) => sftp.unlink(path, done))
      await count('unlink nothing', (done) => sftp.unlink(path, done))
      const unix = join(directory(t), 'socket')
      await count('listen', (done) => client.openssh_forwardInStreamLocal(unix, done))
      await count('listen no more', (done) => client.openssh_unforwardInStreamLocal(unix, done))
      await count('forwardIn', (done) => client.forwardIn('127.0.0.1', 0, done))
      await count('no more sessions', (done) => client.openssh_noMoreSessions(done))
    })
  })

  test('the session ends with the connection, and by itself', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const seen = await compare(t, server, async (stage) => {
      const { note } = stage
      const client = await stage.connect()
      const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
      for (const event of ['exit', 'end', 'close'])
        sftp.on(event, (...args: unknown[]) => note('events', event, ...args))
      sftp.end()
      await once(sftp, 'close')
      note('ended', sftp.outgoing.state)
      const other = await value<SFTPWrapper>((done) => client.sftp(done))
      client.on('close', () => note('order', 'client'))
      other.on('close', () => note('order', 'sftp'))
      client.end()
      await once(other, 'close')
    })
    assert.deepEqual(seen['order'], ['client', 'sftp'])
  })
})

test('a stream to a full disk tells who listens, and ends nobody else', { skip, timeout: 120_000 }, async (t) => {
  const client = await ready(t, dropIn, await configOf(await sshd(t, { version: '9.2' })))
  const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
  const full = () => {
    const stream = sftp.createWriteStream('/dev/full')
    return { stream, closed: new Promise<void>((resolve) => void stream.once('close', () => resolve())) }
  }
  const heard = full()
  const failed = once(heard.stream, 'error')
  heard.stream.end('x')
  const [error] = (await failed) as [Error & { code: number }]
  assert.equal(error.code, dropIn.utils.sftp.STATUS_CODE.FAILURE)
  await heard.closed
  const piped = full()
  await assert.rejects(pipeline(Readable.from([Buffer.from('x')]), piped.stream), { code: error.code })
  const unheard = full()
  Readable.from([Buffer.from('x')]).pipe(unheard.stream)
  await unheard.closed
})
