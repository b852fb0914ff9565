import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { type HoldfastError, SftpError } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, running, sshd } from '../session/sshd.js'
import { session } from './sshd-session.js'

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

for (const version of ['9.2', '10'] as const) {
  const skip = skipReason(await prepareSshd(version))

  describe(`files on sshd ${version}`, { skip }, () => {
    test('are written and read whole, whatever their size', async (t) => {
      const { sftp, folder } = await session(t, version)
      for (const size of [0, 1, 32_768, 261_120, 261_121, 5_000_000]) {
        const file = path.join(folder, String(size))
        const bytes = randomBytes(size)
        await sftp.writeFile(file, bytes)
        assert.equal(digest(await readFile(file)), digest(bytes))
        assert.equal(digest(await sftp.readFile(file)), digest(bytes))
      }
    })

    test('come whole, however many are read side by side', async (t) => {
      const { sftp, folder } = await session(t, version)
      const file = path.join(folder, 'large')
      const bytes = randomBytes(700_000)
      await sftp.writeFile(file, bytes)
      for (const many of [2, 5, 7, 32]) {
        const copies = Array.from({ length: many }, (_, index) => `${file}.${index}`)
        await Promise.all(copies.map((copy) => sftp.get(file, copy)))
        for (const copy of copies) assert.equal(digest(await readFile(copy)), digest(bytes))
        const read = await Promise.all(copies.map(() => sftp.readFile(file)))
        for (const copy of read) assert.equal(digest(copy), digest(bytes))
      }
    })

    test('are text where text is asked for', async (t) => {
      const { sftp, folder } = await session(t, version)
      const file = path.join(folder, 'ä €')
      await sftp.writeFile(file, 'grün', { mode: 0o600 })
      await sftp.appendFile(file, ' und blau\n')
      assert.equal(await sftp.readFile(file, 'utf8'), 'grün und blau\n')
      assert.equal((await stat(file)).mode & 0o777, 0o600)
      await assert.rejects(sftp.writeFile(file, 'x', { flag: 'wx' }), { code: 'ERR_SSH_SFTP_FAILURE', status: 4 })
      await sftp.writeFile(file, Readable.from(['a', 'b', Buffer.from('c')]))
      assert.equal(await readFile(file, 'utf8'), 'abc')
    })

    test('are read and written in part by a handle', async (t) => {
      const { sftp, folder } = await session(t, version)
      const handle = await sftp.open(path.join(folder, 'part'), 'w+')
      assert.deepEqual(await handle.write('hello world'), { bytesWritten: 11, buffer: 'hello world' })
      await handle.write(Buffer.from('xWORLDx'), 1, 5, 6)
      await handle.sync()
      const buffer = Buffer.alloc(8, '.')
      assert.equal((await handle.read(buffer, { position: 6, offset: 1 })).bytesRead, 5)
      assert.equal(buffer.toString(), '.WORLD..')
      assert.equal((await handle.read(buffer, 0, 5, 0)).bytesRead, 5)
      assert.equal(buffer.toString(), 'helloD..')
      await handle.truncate(5)
      await handle.chmod('640')
      await handle.utimes(1_000_000_000, new Date(1_100_000_000_000))
      const { size, mode, atimeMs, mtime } = await handle.stat()
      assert.deepEqual([size, mode & 0o777, atimeMs, mtime.getTime()], [5, 0o640, 1e12, 1.1e12])
      await handle.close()
      await handle.close()
      await assert.rejects(handle.stat(), { code: 'ERR_SSH_CLOSED' })
    })

    test('stream both ways', async (t) => {
      const { sftp, folder } = await session(t, version)
      const bytes = randomBytes(20_000_000)
      const file = path.join(folder, 'stream')
      const upload = sftp.createWriteStream(file)
      await pipeline(Readable.from(pieces(bytes)), upload)
      assert.equal(upload.bytesWritten, bytes.length)
      assert.equal(digest(await readFile(file)), digest(bytes))
      const hash = createHash('sha256')
      await pipeline(sftp.createReadStream(file), hash)
      assert.equal(hash.digest('hex'), digest(bytes))
      const part = await sftp.createReadStream(file, { start: 10, end: 300_009 }).toArray()
      assert.ok(Buffer.concat(part).equals(bytes.subarray(10, 300_010)))
      await assert.rejects(sftp.createReadStream(path.join(folder, 'none')).toArray(), { code: 'ENOENT' })
    })

    test('are told of as node:fs tells of them', async (t) => {
      const { sftp, folder } = await session(t, version)
      const file = path.join(folder, 'file')
      await writeFile(file, 'x')
      await symlink('file', path.join(folder, 'link'))
      const local = await stat(file)
      const remote = await sftp.stat(path.join(folder, 'link'))
      assert.deepEqual([remote.size, remote.mode, remote.uid, remote.gid], [1, local.mode, local.uid, local.gid])
      assert.ok(remote.isFile() && !remote.isSymbolicLink())
      assert.ok((await sftp.lstat(path.join(folder, 'link'))).isSymbolicLink())
      assert.equal(await sftp.readlink(path.join(folder, 'link')), 'file')
      assert.equal(await sftp.realpath(path.join(folder, '.', 'link')), file)
      assert.deepEqual([await sftp.exists(file), await sftp.exists(path.join(folder, 'none'))], [true, false])
      const { bsize, blocks, bavail, namemax } = await sftp.statfs(folder)
      assert.ok(bsize >= 512 && blocks > bavail && namemax >= 255)
    })

    test('fail with the codes of node:fs, and say what was asked for', async (t) => {
      const { sftp, folder } = await session(t, version)
      const none = path.join(folder, 'none')
      await assert.rejects(sftp.open(none), (error) => {
        assert.ok(error instanceof SftpError)
        assert.deepEqual([error.code, error.status, error.syscall, error.path], ['ENOENT', 2, 'open', none])
        assert.equal(error.message, `ENOENT: No such file, open '${none}'`)
        return true
      })
      await writeFile(path.join(folder, 'secret'), 'x')
      await chmod(path.join(folder, 'secret'), 0)
      await assert.rejects(sftp.readFile(path.join(folder, 'secret')), { code: 'EACCES', status: 3 })
      await assert.rejects(sftp.rename(none, none), { code: 'ENOENT', syscall: 'rename', path: none, dest: none })
      await assert.rejects(sftp.stat('a\0b'), { code: 'ERR_SSH_OPTION' })
      await assert.rejects(sftp.access(path.join(folder, 'secret'), 4), { code: 'EACCES' })
      await sftp.access(folder, 4)
    })

    test('are named, linked, moved and removed', async (t) => {
      const { sftp, folder } = await session(t, version)
      const at = (name: string): string => path.join(folder, name)
      await sftp.writeFile(at('a'), 'a')
      await sftp.writeFile(at('b'), 'b')
      await sftp.rename(at('a'), at('b'))
      assert.equal(await sftp.readFile(at('b'), 'utf8'), 'a')
      await sftp.link(at('b'), at('c'))
      await sftp.symlink('c', at('d'))
      assert.equal((await stat(at('c'))).nlink, 2)
      await sftp.lutimes(at('d'), 1, 2)
      assert.deepEqual([(await sftp.lstat(at('d'))).mtimeMs, (await sftp.stat(at('d'))).mtimeMs > 2000], [2000, true])
      await sftp.chmod(at('c'), 0o600)
      await sftp.utimes(at('c'), 1, 2)
      await sftp.truncate(at('c'), 100)
      assert.equal((await sftp.stat(at('b'))).size, 100)
      await sftp.unlink(at('b'))
      await sftp.rm(at('b'), { force: true })
      await assert.rejects(sftp.rm(at('b')), { code: 'ENOENT' })
      assert.deepEqual((await sftp.readdir(folder)).toSorted(), ['c', 'd'])
    })

    test('stand in directories, which are made and removed with all that is in them', async (t) => {
      const { sftp, folder } = await session(t, version)
      const deep = path.join(folder, 'x/y/z')
      assert.equal(await sftp.mkdir(deep, { recursive: true }), path.join(folder, 'x'))
      assert.equal(await sftp.mkdir(deep, { recursive: true }), undefined)
      await assert.rejects(sftp.mkdir(deep), { code: 'ERR_SSH_SFTP_FAILURE', syscall: 'mkdir' })
      await Promise.all(Array.from({ length: 250 }, (_, index) => sftp.writeFile(path.join(deep, `${index}`), 'x')))
      await writeFile(path.join(folder, 'kept'), 'x')
      await symlink(folder, path.join(deep, 'out'))
      const seen = new Set<string>()
      for await (const entry of await sftp.opendir(deep)) {
        assert.equal(entry.isSymbolicLink(), entry.name === 'out')
        assert.equal(entry.parentPath, deep)
        seen.add(entry.name)
      }
      assert.equal(seen.size, 251)
      const [entry] = await sftp.readdir(path.join(folder, 'x'), { withFileTypes: true })
      assert.deepEqual([entry?.name, entry?.isDirectory()], ['y', true])
      await assert.rejects(sftp.rmdir(deep), { code: 'ERR_SSH_SFTP_FAILURE' })
      await sftp.rm(path.join(folder, 'x'), { recursive: true })
      assert.deepEqual(await sftp.readdir(folder), ['kept'])
    })

    test('are copied by the server, where it can', async (t) => {
      const { sftp, folder } = await session(t, version)
      const [from, to] = [path.join(folder, 'from'), path.join(folder, 'to')]
      await sftp.writeFile(from, randomBytes(1_000_000), { mode: 0o640 })
      await sftp.copyFile(from, to)
      assert.ok((await readFile(from)).equals(await readFile(to)))
      assert.equal((await stat(to)).mode & 0o777, 0o640)
    })

    test('go up and come back as trees, also once more behind what is there', async (t) => {
      const { sftp, folder } = await session(t, version)
      const here = await mkdtemp(path.join(tmpdir(), 'holdfast-sftp-'))
      t.after(() => rm(here, { recursive: true, force: true }))
      const [from, to, back] = [path.join(here, 'from'), path.join(folder, 'to'), path.join(here, 'back')]
      await mkdir(path.join(from, 'sub'), { recursive: true })
      const names = Array.from({ length: 200 }, (_, index) => path.join('sub', `${index}`))
      await Promise.all(names.map((name) => writeFile(path.join(from, name), name)))
      await writeFile(path.join(from, 'large'), randomBytes(10_000_000), { mode: 0o750 })
      await symlink('sub/1', path.join(from, 'link'))
      const { files, bytes } = await sftp.put(from, to, { atomic: true })
      assert.equal(files, 201)
      assert.ok(bytes > 10_000_000)
      assert.equal((await sftp.get(to, back)).files, 201)
      for (const name of [...names, 'large', 'link']) {
        assert.ok((await readFile(path.join(from, name))).equals(await readFile(path.join(back, name))), name)
      }
      const [before, after] = await Promise.all([from, back].map((side) => stat(path.join(side, 'large'))))
      assert.deepEqual([after?.mode, after?.mtime.getSeconds()], [before?.mode, before?.mtime.getSeconds()])
      await truncate(path.join(back, 'large'), 4_000_000)
      const { resumed } = await sftp.get(`${to}/large`, path.join(back, 'large'), { resume: true, verify: 'full' })
      assert.equal(resumed, 4_000_000)
      assert.ok((await readFile(path.join(from, 'large'))).equals(await readFile(path.join(back, 'large'))))
    })

    test('are asked for by what OpenSSH offers besides', async (t) => {
      const { sftp } = await session(t, version)
      const home = await sftp.homeDirectory()
      assert.equal(await sftp.expandPath('~/x'), `${home}/x`)
      const names = await sftp.ownerNames({ uids: [0, 987_654], gids: [0] })
      assert.deepEqual(names, { users: ['root', ''], groups: ['root'] })
    })

    test('are let go of by a signal, call by call', async (t) => {
      const { sftp, folder } = await session(t, version)
      const signal = AbortSignal.abort('enough')
      const aborted = { name: 'AbortError', code: 'ERR_SSH_ABORTED', cause: 'enough' }
      await assert.rejects(sftp.stat(folder, { signal }), aborted)
      await assert.rejects(sftp.createReadStream(folder, { signal }).toArray(), aborted)
      const later = new AbortController()
      const opening = sftp.open(path.join(folder, 'late'), 'w', 0o600, later)
      later.abort('enough')
      await assert.rejects(opening, aborted)
      assert.ok((await sftp.stat(folder)).isDirectory())
    })

    test('are over with their session, and the connection lives', async (t) => {
      const server = await sshd(t, { version })
      const ssh = await login(t, server)
      const sftp = await ssh.sftp()
      const pending = sftp.stat('.')
      const closing = sftp.close()
      await assert.rejects(pending, { code: 'ERR_SSH_CLOSED' })
      await closing
      await assert.rejects(sftp.stat('.'), { code: 'ERR_SSH_CLOSED' })
      assert.deepEqual(await running(server), [])
      assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
    })

    test('are refused where the server has no SFTP, or where something else answers', async (t) => {
      const none = await login(t, await sshd(t, { version, config: { Subsystem: 'other /bin/true' } }))
      await assert.rejects(none.sftp(), { code: 'ERR_SSH_REQUEST_REFUSED' })
      const noisy = await login(t, await sshd(t, { version, config: { Subsystem: 'sftp /bin/echo welcome home' } }))
      await assert.rejects(noisy.sftp(), (error: HoldfastError) => {
        assert.equal(error.code, 'ERR_SSH_SFTP_PROTOCOL')
        assert.match(error.message, /welcome home/)
        assert.match(error.hint, /login script/)
        return true
      })
      assert.equal((await noisy.exec('echo alive')).stdout, 'alive\n')
    })
  })
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += 10_007) yield bytes.subarray(offset, offset + 10_007)
}
