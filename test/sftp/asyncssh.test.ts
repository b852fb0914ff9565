/** A server that nobody of OpenSSH wrote, and that works on requests side by side. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { prepareAsyncssh, startAsyncssh } from '../servers/asyncssh.js'
import { skipReason } from '../servers/availability.js'
import { login } from '../session/sshd.js'

const skip = skipReason(await prepareAsyncssh())

test('AsyncSSH serves files as sshd does', { skip }, async (t) => {
  const server = await startAsyncssh()
  t.after(() => server.stop())
  const ssh = await login(t, server)
  const sftp = await ssh.sftp()
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-asyncssh-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (...names: string[]): string => path.join(folder, ...names)

  const bytes = randomBytes(5_000_000)
  await sftp.writeFile(at('a'), bytes)
  assert.ok(bytes.equals(await sftp.readFile(at('a'))))
  await sftp.writeFile(at('b'), 'old')
  await sftp.rename(at('a'), at('b'))
  await sftp.symlink('b', at('link'))
  assert.equal(await sftp.readlink(at('link')), 'b')
  assert.equal(await fs.readlink(at('link')), 'b')
  await sftp.link(at('b'), at('c'))
  await sftp.utimes(at('c'), 1, 2)
  const { size, mtimeMs } = await sftp.stat(at('b'))
  assert.deepEqual([size, mtimeMs], [bytes.length, 2000])
  await assert.rejects(sftp.stat(at('none')), { code: 'ENOENT', syscall: 'stat' })
  assert.ok((await sftp.statfs(folder)).blocks > 0)

  await fs.mkdir(at('tree/sub'), { recursive: true })
  await Promise.all(Array.from({ length: 100 }, (_, index) => fs.writeFile(at('tree/sub', `${index}`), `${index}`)))
  assert.equal((await sftp.put(at('tree'), at('up'), { atomic: true })).files, 100)
  assert.equal((await sftp.get(at('up'), at('down'), { resume: true })).files, 100)
  assert.equal(await fs.readFile(at('down/sub/42'), 'utf8'), '42')
  await sftp.rm(at('up'), { recursive: true })
  assert.deepEqual((await sftp.readdir(folder)).toSorted(), ['b', 'c', 'down', 'link', 'tree'])
  await sftp.close()
})
