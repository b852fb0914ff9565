import assert from 'node:assert/strict'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { Deferred } from '#src/liveness/deferred.js'
import type { Reply } from '#src/sftp/replies.js'
import type { Request } from '#src/sftp/requests.js'
import { client, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { type FolderOptions, folderServer } from './folder-server.js'

leavesNothing()

/** Two folders, one of them a server's, and what that is asked for. */
async function world(t: TestContext, options: FolderOptions = {}) {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-small-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (side: string) => (name: string) => path.join(folder, side, name)
  await fs.mkdir(at('remote')(''))
  await fs.mkdir(at('local')(''))
  const types: string[] = []
  const asked = ({ type }: Request) => void types.push(type)
  const target = await server(t, { subsystems: { sftp: folderServer(at('remote')(''), { asked, ...options }) } })
  const sftp = await (await client(t, target)).sftp()
  return { sftp, remote: at('remote'), local: at('local'), types }
}

test('a small file comes by one READ; what tells that it has not changed is asked with it', async (t) => {
  const { sftp, remote, local, types } = await world(t)
  await fs.writeFile(remote('x'), 'small')
  const { files, bytes } = await sftp.get('x', local('y'))
  assert.deepEqual([files, bytes, await fs.readFile(local('y'), 'utf8')], [1, 5, 'small'])
  // Which is not waited for.
  await sftp.lstat('.')
  assert.deepEqual(types, ['STAT', 'OPEN', 'READ', 'FSTAT', 'CLOSE', 'LSTAT'])
})

for (const [how, said] of [
  ['longer', { size: 2n }],
  ['shorter', { size: 9n }],
  ['no longer empty', { size: 0n }],
  ['newer', { times: { atime: 1, mtime: 1 } }],
] as const) {
  const answers = (request: Request, reply: Reply): Reply =>
    request.type === 'STAT' && reply.type === 'ATTRS'
      ? { type: 'ATTRS', attributes: { ...reply.attributes, ...said } }
      : reply
  test(`a small file that is ${how} once it is opened comes whole all the same`, async (t) => {
    const { sftp, remote, local } = await world(t, { answers })
    await fs.writeFile(remote('x'), 'small')
    await sftp.get('x', local('x'))
    assert.equal(await fs.readFile(local('x'), 'utf8'), 'small')
  })
}

test('a file that grew while it came is not taken for whole where it is as before once more', async (t) => {
  const grown = Buffer.alloc(100_000)
  // Of the small way, as it is opened, once more of it came, and after that.
  const sizes = [5n, 5n, 100_000n]
  const { sftp, remote, local } = await world(t, {
    answers: (request, reply) => {
      if (reply.type !== 'ATTRS') return reply
      const size = request.type === 'FSTAT' ? (sizes.shift() ?? 5n) : 5n
      return { type: 'ATTRS', attributes: { ...reply.attributes, size } }
    },
  })
  await fs.writeFile(remote('x'), grown)
  await assert.rejects(sftp.get('x', local('x')), { code: 'ERR_SSH_SFTP_CHANGED' })
  assert.equal((await fs.stat(local('x'))).size, 0)
})

for (const [size, length] of [
  ['small', 1000],
  ['large', 100_000],
] as const) {
  for (const way of ['put', 'writeFile'] as const) {
    test(`${way}() of a ${size} file is given up while the server takes its time to close it`, {
      timeout: 60_000,
    }, async (t) => {
      const asked = new Deferred<void>()
      const over = new Deferred<void>()
      t.after(() => over.resolve())
      const { sftp, local } = await world(t, {
        asked: async ({ type }) => {
          if (type !== 'CLOSE') return
          asked.resolve()
          await over.promise
        },
      })
      await fs.writeFile(local('x'), Buffer.alloc(length))
      const stop = new AbortController()
      const { signal } = stop
      const work =
        way === 'put' ? sftp.put(local('x'), 'x', { signal }) : sftp.writeFile('x', Buffer.alloc(length), { signal })
      const rejected = assert.rejects(work, {
        code: 'ERR_SSH_ABORTED',
        delivery: 'unknown',
        message: /reply to close 'x'/,
      })
      await asked.promise
      stop.abort()
      await rejected
    })

    test(`${way}() of a ${size} file that is given up has the server close it`, { timeout: 60_000 }, async (t) => {
      const stop = new AbortController()
      const closed = new Deferred<void>()
      const { sftp, local } = await world(t, {
        asked: ({ type }) => {
          if (type === 'WRITE') stop.abort()
          if (type === 'CLOSE') closed.resolve()
        },
      })
      await fs.writeFile(local('x'), Buffer.alloc(length))
      const { signal } = stop
      const work =
        way === 'put' ? sftp.put(local('x'), 'x', { signal }) : sftp.writeFile('x', Buffer.alloc(length), { signal })
      await assert.rejects(work, { code: 'ERR_SSH_ABORTED' })
      await closed.promise
    })
  }
}

test('of a small file that cannot be read nothing is made, and what is there stays', async (t) => {
  const failed: Reply = { type: 'STATUS', code: 4, message: 'bad sector' }
  const { sftp, remote, local } = await world(t, {
    answers: (request, reply) => (request.type === 'READ' ? failed : reply),
  })
  await fs.writeFile(remote('x'), 'small')
  await fs.writeFile(local('y'), 'before')
  for (const name of ['x', 'y']) {
    await assert.rejects(
      sftp.get('x', local(name)),
      (error) => error instanceof HoldfastError && /bad sector/.test(error.message),
    )
  }
  assert.deepEqual(await fs.readdir(local('')), ['y'])
  assert.equal(await fs.readFile(local('y'), 'utf8'), 'before')
})

test('a small file is sent once it was read, and closed once all of it was answered', async (t) => {
  const { sftp, remote, local, types } = await world(t)
  await fs.writeFile(local('x'), 'small')
  await fs.writeFile(local('empty'), '')
  await sftp.put(local('x'), 'y')
  await sftp.put(local('empty'), 'empty', { preserve: false })
  assert.deepEqual([await fs.readFile(remote('y'), 'utf8'), await fs.readFile(remote('empty'), 'utf8')], ['small', ''])
  assert.deepEqual(types, ['OPEN', 'WRITE', 'FSETSTAT', 'CLOSE', 'OPEN', 'CLOSE'])
})

test('of files that are sent side by side one that fails is told, whatever was asked for behind it', async (t) => {
  const full: Reply = { type: 'STATUS', code: 4, message: 'no space left' }
  const { sftp, local } = await world(t, {
    answers: (request, reply) => (request.type === 'WRITE' && request.data.length === 7 ? full : reply),
  })
  await fs.mkdir(local('tree'))
  for (let n = 0; n < 40; n++) await fs.writeFile(local(`tree/${n}`), n === 20 ? 'seventh' : 'small')
  await assert.rejects(
    sftp.put(local('tree'), 'tree'),
    (error) => error instanceof HoldfastError && /no space left, write 'tree\/20'/.test(error.message),
  )
})

test('of a small file that takes more than one request of the server all comes', async (t) => {
  const { sftp, remote, local } = await world(t, { limits: { packet: 0n, read: 1000n, write: 1000n, handles: 0n } })
  const content = 'small'.repeat(1000)
  await fs.writeFile(local('x'), content)
  await sftp.put(local('x'), 'x')
  assert.equal(await fs.readFile(remote('x'), 'utf8'), content)
  await sftp.get('x', local('y'))
  assert.equal(await fs.readFile(local('y'), 'utf8'), content)
})
