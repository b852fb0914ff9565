import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, rmSync, statSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { describe, type TestContext, test } from 'node:test'
import type { Client, ConnectOptions, Sftp, TransferTreeOptions } from 'holdfast'
import type { BadNetwork } from 'holdfast/testing'
import type { Request } from '#src/sftp/requests.js'
import { client, network, server } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { failure } from '../../promises/support/outcome.js'
import { folderServer } from '../../sftp/folder-server.js'

leavesNothing()

interface Setting {
  readonly relay: BadNetwork
  readonly ssh: Client
  readonly sftp: Sftp
  readonly requests: Request[]
  readonly remote: (name: string) => string
  readonly local: (name: string) => string
}

/** @param asked sees each request before it is answered, and may break the connection for it */
async function setting(
  t: TestContext,
  asked: (request: Request, relay: BadNetwork) => void = () => {},
  options: ConnectOptions = {},
): Promise<Setting> {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'reconnect-'))
  t.after(() => fs.rm(folder, { recursive: true }))
  const [remote, local] = [path.join(folder, 'remote'), path.join(folder, 'local')]
  await Promise.all([fs.mkdir(remote), fs.mkdir(local)])
  const requests: Request[] = []
  const serve = folderServer(remote, {
    asked: (request) => {
      requests.push(request)
      asked(request, relay)
    },
  })
  const relay = await network(t, await server(t, { subsystems: { sftp: serve } }))
  const ssh = await client(t, relay, { reconnect: { minDelay: 10, maxDelay: 100 }, ...options })
  return {
    relay,
    ssh,
    sftp: await ssh.sftp(),
    requests,
    remote: (name) => path.join(remote, name),
    local: (name) => path.join(local, name),
  }
}

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await fs.readFile(file))
    .digest('hex')
}

/**
 * Breaks the connection at the nth request of a kind. What had come on a connection before it broke does not count: where
 * the machine is busy that is many at once. On the next one a file is opened first.
 */
function breaksAt(type: Request['type'], ...numbers: readonly number[]) {
  let count = 0
  let isBroken = false
  return (request: Request, relay: BadNetwork): void => {
    if (request.type === 'OPEN') isBroken = false
    if (isBroken || request.type !== type) return
    isBroken = numbers.includes(++count)
    if (isBroken) relay.reset()
  }
}

const size = 6_000_000
const timeout = 60_000
const variants: readonly TransferTreeOptions[] = [{}, { atomic: true }, { resume: true }, { preserve: false }]

describe('a transfer over connections that break', () => {
  for (const options of variants) {
    const name = JSON.stringify(options)

    test(`goes on where it was: put ${name}`, { timeout }, async (t) => {
      const made = await setting(t, breaksAt('WRITE', 8, 18))
      await fs.writeFile(made.local('a'), randomBytes(size))
      const seen: number[] = []
      const progress: TransferTreeOptions['progress'] = ({ interruptions }) => seen.push(interruptions)
      const { bytes, files, resumed, interruptions } = await made.sftp.put(made.local('a'), '/a', {
        ...options,
        progress,
      })
      assert.deepEqual([files, resumed, interruptions], [1, 0, 2])
      assert.deepEqual([...new Set(seen)], [0, 1, 2])
      assert.ok(bytes < 2 * size, `${bytes} bytes went over`)
      assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
      assert.deepEqual(await fs.readdir(made.remote('.')), ['a'])
    })

    test(`goes on where it was: get ${name}`, { timeout }, async (t) => {
      const made = await setting(t, breaksAt('READ', 10, 20))
      await fs.writeFile(made.remote('a'), randomBytes(size))
      const { bytes, files, resumed, interruptions } = await made.sftp.get('/a', made.local('a'), options)
      assert.deepEqual([files, resumed, interruptions], [1, 0, 2])
      assert.ok(bytes < 2 * size, `${bytes} bytes went over`)
      assert.equal(await hashOf(made.local('a')), await hashOf(made.remote('a')))
      assert.deepEqual(await fs.readdir(made.local('.')), ['a'])
    })
  }

  test('empties what was there before, where it broke before that was done', { timeout }, async (t) => {
    const made = await setting(t, breaksAt('OPEN', 1))
    await fs.writeFile(made.local('a'), randomBytes(100_000))
    await fs.writeFile(made.remote('a'), Buffer.alloc(200_000))
    await made.sftp.put(made.local('a'), '/a')
    assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
  })

  test('takes nothing that was there before for what it sent, though it ends the same', { timeout }, async (t) => {
    const made = await setting(t, breaksAt('OPEN', 1))
    const ending = randomBytes(3_000_000)
    await fs.writeFile(made.local('a'), Buffer.concat([Buffer.alloc(1_000_000, 1), ending]))
    await fs.writeFile(made.remote('a'), Buffer.concat([Buffer.alloc(1_000_000, 2), ending]))
    await made.sftp.put(made.local('a'), '/a')
    assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
  })

  test('is placed once, also where the rename is not known to have been done', { timeout }, async (t) => {
    let renames = 0
    const made = await setting(t, (request, relay) => {
      if (request.type !== 'EXTENDED' || !request.name.startsWith('posix-rename')) return
      renames++
      // It is done all the same, a moment later.
      if (renames === 1) relay.reset()
    })
    await fs.writeFile(made.local('a'), randomBytes(100_000))
    const { interruptions } = await made.sftp.put(made.local('a'), '/a', { atomic: true })
    assert.equal(interruptions, 1)
    assert.equal(renames, 2)
    assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
    assert.deepEqual(await fs.readdir(made.remote('.')), ['a'])
  })

  test('is not taken for placed where somebody else removed it', { timeout }, async (t) => {
    let renames = 0
    const made = await setting(t, (request, relay) => {
      if (request.type !== 'EXTENDED' || !request.name.startsWith('posix-rename') || ++renames > 1) return
      relay.reset()
      for (const part of readdirSync(made.remote('.'))) rmSync(made.remote(part))
      throw new Error('never done')
    })
    await fs.writeFile(made.local('a'), randomBytes(1000))
    const { error } = await failure(made.sftp.put(made.local('a'), '/a', { atomic: true }))
    assert.equal(error.code, 'ENOENT')
    assert.equal(renames, 2)
  })

  test('gives a file that nobody may write its permissions in the end', {
    timeout,
    skip: process.getuid?.() === 0 ? 'as root everybody may' : false,
  }, async (t) => {
    const made = await setting(t, breaksAt('WRITE', 5))
    await fs.writeFile(made.local('a'), randomBytes(size), { mode: 0o444 })
    await made.sftp.put(made.local('a'), '/a')
    assert.equal((await fs.stat(made.remote('a'))).mode & 0o777, 0o444)
  })

  for (const options of [{}, { atomic: true }]) {
    const name = JSON.stringify(options)

    test(`sends a file though it has its own permissions already: ${name}`, { timeout }, async (t) => {
      const isRefused = (request: Request) =>
        request.type === 'OPEN' &&
        readdirSync(made.remote('.')).some((entry) => (statSync(made.remote(entry)).mode & 0o200) === 0)
      const breaks = breaksAt('CLOSE', 1)
      const made = await setting(t, (request, relay) => {
        breaks(request, relay)
        if (isRefused(request)) throw Object.assign(new Error('read-only'), { code: 'EACCES' })
      })
      await fs.writeFile(made.local('a'), randomBytes(1000), { mode: 0o444 })
      const { files, interruptions } = await made.sftp.put(made.local('a'), '/a', options)
      assert.deepEqual([files, interruptions], [1, 1])
      assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
      assert.equal((await fs.stat(made.remote('a'))).mode & 0o777, 0o444)
      assert.deepEqual(await fs.readdir(made.remote('.')), ['a'])
    })

    test(`goes on with a file that nobody may write, and that keeps its permissions: ${name}`, {
      timeout,
    }, async (t) => {
      const isRefused = (request: Request) =>
        request.type === 'OPEN' &&
        readdirSync(made.remote('.')).some((entry) => (statSync(made.remote(entry)).mode & 0o200) === 0)
      const breaks = breaksAt('WRITE', 5)
      const made = await setting(t, (request, relay) => {
        breaks(request, relay)
        if (isRefused(request)) throw Object.assign(new Error('read-only'), { code: 'EACCES' })
      })
      await fs.writeFile(made.local('a'), randomBytes(size), { mode: 0o444 })
      const { files, interruptions } = await made.sftp.put(made.local('a'), '/a', { ...options, preserve: false })
      assert.deepEqual([files, interruptions], [1, 1])
      assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
      assert.equal((await fs.stat(made.remote('a'))).mode & 0o777, 0o444)
      assert.deepEqual(await fs.readdir(made.remote('.')), ['a'])
    })

    for (const length of [1000, 100_000])
      test(`goes on with such a file too where it is not known to have been made: ${length} bytes, ${name}`, {
        timeout,
      }, async (t) => {
        const isRefused = (request: Request) =>
          request.type === 'OPEN' &&
          readdirSync(made.remote('.')).some((entry) => (statSync(made.remote(entry)).mode & 0o200) === 0)
        const breaks = breaksAt('OPEN', 1)
        const made = await setting(t, (request, relay) => {
          breaks(request, relay)
          if (isRefused(request)) throw Object.assign(new Error('read-only'), { code: 'EACCES' })
        })
        await fs.writeFile(made.local('a'), randomBytes(length), { mode: 0o444 })
        const { files, interruptions } = await made.sftp.put(made.local('a'), '/a', { ...options, preserve: false })
        assert.deepEqual([files, interruptions], [1, 1])
        assert.equal(await hashOf(made.remote('a')), await hashOf(made.local('a')))
        assert.equal((await fs.stat(made.remote('a'))).mode & 0o777, 0o444)
        assert.deepEqual(await fs.readdir(made.remote('.')), ['a'])
      })

    test(`has no more to do for a file of which all came: ${name}`, { timeout }, async (t) => {
      const made = await setting(t, breaksAt('CLOSE', 1))
      await fs.writeFile(made.remote('a'), randomBytes(1000), { mode: 0o444 })
      const { files, interruptions } = await made.sftp.get('/a', made.local('a'), options)
      // Nothing is left of it that a loss could interrupt: nobody waits for the answer to CLOSE.
      assert.deepEqual([files, interruptions], [1, 0])
      assert.equal(await hashOf(made.local('a')), await hashOf(made.remote('a')))
      // It might be closed to us by now.
      assert.equal(made.requests.filter(({ type }) => type === 'OPEN').length, 1)
    })
  }

  test('leaves a file that was there before, and that nobody may write, as it is', { timeout }, async (t) => {
    const breaks = breaksAt('OPEN', 1)
    const made = await setting(t, (request, relay) => {
      breaks(request, relay)
      if (request.type === 'OPEN') throw Object.assign(new Error('read-only'), { code: 'EACCES' })
    })
    await fs.writeFile(made.local('a'), 'new', { mode: 0o444 })
    await fs.writeFile(made.remote('a'), 'old', { mode: 0o444 })
    const { error } = await failure(made.sftp.put(made.local('a'), '/a'))
    assert.equal(error.code, 'EACCES')
    assert.equal(await fs.readFile(made.remote('a'), 'utf8'), 'old')
    assert.ok(!made.requests.some(({ type }) => type === 'SETSTAT'))
  })

  for (const [options, mode] of [
    [{}, 0o444],
    [{ preserve: false }, 0o644],
  ] as const)
    test(`leaves an empty file that nobody may write as it is too: ${JSON.stringify(options)}`, {
      timeout,
    }, async (t) => {
      const breaks = breaksAt('OPEN', 1)
      const made = await setting(t, (request, relay) => {
        breaks(request, relay)
        if (request.type === 'OPEN') throw Object.assign(new Error('read-only'), { code: 'EACCES' })
      })
      await fs.writeFile(made.local('a'), 'new', { mode })
      await fs.writeFile(made.remote('a'), '', { mode: 0o444 })
      const { error } = await failure(made.sftp.put(made.local('a'), '/a', options))
      assert.equal(error.code, 'EACCES')
      assert.ok(!made.requests.some(({ type }) => type === 'SETSTAT'))
    })

  test('says why a folder takes no file, also where an earlier connection may have made it', { timeout }, async (t) => {
    const breaks = breaksAt('OPEN', 1)
    const made = await setting(t, (request, relay) => {
      breaks(request, relay)
      if (request.type === 'OPEN') throw Object.assign(new Error('read-only'), { code: 'EACCES' })
    })
    await fs.writeFile(made.local('a'), 'new')
    const { error } = await failure(made.sftp.put(made.local('a'), '/a'))
    assert.match(error.message, /^EACCES: .*, open '\/a'/)
    assert.ok(!made.requests.some(({ type }) => type === 'SETSTAT'))
  })

  test('fails where the file is another one by then, and leaves no mix', { timeout }, async (t) => {
    let reads = 0
    const made = await setting(t, (request, relay) => {
      if (request.type !== 'READ' || ++reads !== 15) return
      relay.reset()
      void fs.writeFile(made.remote('a'), randomBytes(size + 1))
    })
    await fs.writeFile(made.remote('a'), randomBytes(size))
    const { error } = await failure(made.sftp.get('/a', made.local('a')))
    assert.equal(error.code, 'ERR_SSH_SFTP_CHANGED')
    assert.equal((await fs.stat(made.local('a'))).size, 0)
  })

  for (const way of ['put', 'get'] as const) {
    test(`${way}s a tree whole, wherever it breaks`, { timeout }, async (t) => {
      let count = 0
      const made = await setting(t, (_request, relay) => {
        if (++count % 150 === 0) relay.reset()
      })
      const at = way === 'put' ? made.local : made.remote
      const names: string[] = []
      for (const directory of ['a', 'a/b', 'a/b/c', 'd']) {
        await fs.mkdir(at(directory))
        for (let n = 0; n < 25; n++) names.push(`${directory}/${n}`)
      }
      await Promise.all(names.map((name, n) => fs.writeFile(at(name), randomBytes(n * 1000))))
      await fs.symlink('b/c', at('a/link'))
      const result = way === 'put' ? await made.sftp.put(at('.'), '/') : await made.sftp.get('/', made.local('.'))
      assert.equal(result.files, 100)
      assert.ok(result.interruptions >= 3, `${result.interruptions} interruptions`)
      const whole = await Promise.all(
        names.map(async (name) => (await hashOf(made.local(name))) === (await hashOf(made.remote(name)))),
      )
      assert.ok(whole.every(Boolean))
      assert.equal(await fs.readlink(made.remote('a/link')), await fs.readlink(made.local('a/link')))
    })
  }

  test('ends with the budget, and with its signal while it waits', { timeout }, async (t) => {
    const slow = { minDelay: '1h', maxDelay: '1h', maxTime: false } as const
    const made = await setting(t, breaksAt('WRITE', 5), { reconnect: slow })
    await fs.writeFile(made.local('a'), randomBytes(size))
    const controller = new AbortController()
    const { signal } = controller
    const [aborted, ended] = [
      made.sftp.put(made.local('a'), '/a', { signal }),
      made.sftp.put(made.local('a'), '/b'),
    ].map(failure)
    await once(made.ssh, 'reconnecting')
    controller.abort()
    assert.equal((await aborted)?.error.code, 'ERR_SSH_ABORTED')
    await made.ssh.close()
    const error = (await ended)?.error
    assert.deepEqual([error?.code, error?.delivery], ['ERR_SSH_CLOSED', 'unknown'])
  })
})

describe('SFTP of a client that reconnects', () => {
  test('fails what was asked, and says whether it may have been done', { timeout }, async (t) => {
    const made = await setting(t, breaksAt('MKDIR', 1))
    const { error } = await failure(made.sftp.mkdir('/a'))
    assert.deepEqual([error.code, error.delivery], ['ERR_SSH_CONNECTION_LOST', 'unknown'])
    assert.equal(made.requests.filter(({ type }) => type === 'MKDIR').length, 1)
  })

  test('goes on over the next connection with the same object', { timeout }, async (t) => {
    const { relay, ssh, sftp } = await setting(t)
    await sftp.writeFile('/a', 'before')
    relay.reset()
    await once(ssh, 'reconnecting')
    const calls = [
      sftp.readFile('/a', 'utf8'),
      sftp.stat('/a'),
      sftp.readdir('/'),
      sftp.writeFile('/b', 'after'),
    ] as const
    const [contents, stats, names] = await Promise.all(calls)
    assert.deepEqual([contents, stats.size, names.includes('a')], ['before', 6, true])
    assert.equal(await sftp.readFile('/b', 'utf8'), 'after')
    assert.equal(ssh.stats().sessions.open, 1)
    await sftp.close()
    assert.equal((await failure(sftp.stat('/a'))).error.code, 'ERR_SSH_CLOSED')
  })

  test('has no use for a handle of the connection that is gone', { timeout }, async (t) => {
    const { relay, ssh, sftp } = await setting(t)
    await sftp.writeFile('/a', 'before')
    const handle = await sftp.open('/a', 'r+')
    relay.reset()
    await once(ssh, 'reconnected')
    assert.equal((await failure(handle.stat())).error.code, 'ERR_SSH_CONNECTION_LOST')
    const written = (await failure(handle.write(Buffer.from('x')))).error
    assert.deepEqual([written.code, written.delivery], ['ERR_SSH_CONNECTION_LOST', 'not-sent'], written.stack)
    await handle.close().catch(() => {})
    assert.equal(await sftp.readFile('/a', 'utf8'), 'before')
  })

  test('opens a stream once the connection is there', { timeout }, async (t) => {
    const { relay, ssh, sftp, remote } = await setting(t)
    relay.reset()
    await once(ssh, 'reconnecting')
    const stream = sftp.createWriteStream('/a')
    stream.end('hello')
    await finished(stream)
    assert.equal(await fs.readFile(remote('a'), 'utf8'), 'hello')
  })

  test('breaks off a stream that was open', { timeout }, async (t) => {
    const { relay, ssh, sftp } = await setting(t)
    const stream = sftp.createWriteStream('/a')
    await new Promise((resolve) => stream.write('hello', resolve))
    const broken = failure(finished(stream))
    relay.reset()
    assert.equal((await broken).error.code, 'ERR_SSH_CONNECTION_LOST')
    await once(ssh, 'reconnected')
  })

  test('ends with the client, whatever was under way', { timeout }, async (t) => {
    const made = await setting(t)
    await fs.writeFile(made.local('a'), randomBytes(size))
    const putting = failure(made.sftp.put(made.local('a'), '/a'))
    await made.sftp.stat('/')
    made.relay.stall()
    const closing = made.ssh.close({ timeout: '1s' })
    const later = failure(made.sftp.stat('/'))
    for (const { error } of await Promise.all([putting, later])) assert.equal(error.code, 'ERR_SSH_CLOSED')
    await closing
    assert.equal((await failure(made.sftp.stat('/'))).error.code, 'ERR_SSH_CLOSED')
    assert.equal((await failure(made.ssh.sftp())).error.code, 'ERR_SSH_CLOSED')
  })

  test('is waited for within the limit reconnect, however often the connection comes and goes', {
    timeout,
  }, async (t) => {
    const limits = { reconnect: '1s' } as const
    let sessions = 0
    const relay: BadNetwork = await network(
      t,
      await server(t, {
        subsystems: {
          sftp: async (session) => {
            if (++sessions > 1) relay.reset()
            else await folderServer(tmpdir())(session)
          },
        },
      }),
    )
    const ssh = await client(t, relay, { reconnect: { minDelay: 10, maxDelay: 50 }, limits })
    const sftp = await ssh.sftp()
    relay.reset()
    await once(ssh, 'reconnecting')
    const { error } = await failure(sftp.stat('/'))
    assert.deepEqual([error.code, error.limit, error.delivery], ['ERR_SSH_TIMEOUT', 'reconnect', 'not-sent'])
    assert.ok(sessions > 2, `${sessions} sessions`)
  })

  test('leaves no session behind where it is closed in the moment in which the connection is there', {
    timeout,
  }, async (t) => {
    const { relay, ssh, sftp } = await setting(t)
    relay.reset()
    await once(ssh, 'reconnecting')
    const pending = failure(sftp.stat('/'))
    ssh.once('reconnected', () => void sftp.close())
    assert.equal((await pending).error.code, 'ERR_SSH_CLOSED')
    assert.equal((await ssh.exec('echo hello')).stdout, 'hello\n')
    assert.equal(ssh.stats().sessions.open, 0)
  })

  for (const how of ['close', 'signal'] as const) {
    test(`is not opened again after ${how}`, { timeout }, async (t) => {
      const { relay, ssh } = await setting(t)
      const controller = new AbortController()
      const sftp = await ssh.sftp({ signal: controller.signal })
      relay.reset()
      await once(ssh, 'reconnecting')
      const pending = failure(sftp.stat('/'))
      if (how === 'close') await sftp.close()
      else controller.abort()
      const { error } = await pending
      const code = how === 'close' ? 'ERR_SSH_CLOSED' : 'ERR_SSH_ABORTED'
      assert.deepEqual([error.code, error.delivery], [code, 'not-sent'])
    })
  }
})

test('a transfer that many connections in a row get no further is given up', { timeout }, async (t) => {
  const { ssh, sftp, requests, remote, local } = await setting(t, (request, relay) => {
    if (request.type === 'FSTAT') relay.reset()
  })
  await fs.writeFile(remote('a'), 'content')
  const { error } = await failure(sftp.get('/a', local('a')))
  assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
  assert.equal(requests.filter(({ type }) => type === 'FSTAT').length, 10)
  assert.deepEqual(await sftp.readdir('/'), ['a'])
  assert.equal(ssh.state, 'connected')
})
