import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { HoldfastError, type Sftp, type TransferProgress } from 'holdfast'
import type { SessionHandler } from 'holdfast/testing'
import { staysInside } from '#src/sftp/links.js'
import { client, network, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { type FolderOptions, folderServer } from './folder-server.js'

leavesNothing()

interface Further {
  readonly sftp: Sftp
  readonly cut: () => void
  /** Settles once the server does nothing for it any more: what it had been sent it may still write after the cut. */
  readonly served: Promise<unknown>
}

interface World {
  readonly sftp: Sftp
  /** What the server serves. */
  readonly remote: (name: string) => string
  /** On this side. */
  readonly local: (name: string) => string
  /** A further session, on a connection that may be cut. */
  readonly connect: () => Promise<Further>
}

async function world(t: TestContext, options: FolderOptions = {}): Promise<World> {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-transfer-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (side: string) => (name: string) => path.join(folder, side, name)
  await fs.mkdir(at('remote')(''))
  await fs.mkdir(at('local')(''))
  const serve = folderServer(at('remote')(''), options)
  let latest: Promise<unknown> = Promise.resolve()
  const sftpServer: SessionHandler = (session) => {
    const serving = Promise.resolve(serve(session))
    latest = serving.catch(() => {})
    return serving
  }
  const target = await server(t, { subsystems: { sftp: sftpServer } })
  const connection = async () => {
    const relay = await network(t, target)
    const ssh = await client(t, relay)
    const sftp = await ssh.sftp()
    return { sftp, cut: () => relay.reset(), served: latest }
  }
  const { sftp } = await connection()
  return { sftp, remote: at('remote'), local: at('local'), connect: connection }
}

test('a file goes there and back, with its permissions and times', async (t) => {
  const { sftp, local, remote } = await world(t)
  const bytes = randomBytes(5_000_000)
  await fs.writeFile(local('a'), bytes, { mode: 0o640 })
  await fs.utimes(local('a'), 1e9, 1.1e9)
  const seen: TransferProgress[] = []
  const sent = await sftp.put(local('a'), 'b', { progress: (progress) => seen.push(progress) })
  assert.deepEqual(sent, { files: 1, directories: 0, bytes: bytes.length, resumed: 0, interruptions: 0, skipped: [] })
  const whole = { bytes: bytes.length, size: bytes.length, files: 0, interruptions: 0 }
  assert.deepEqual(seen.at(-1), { local: local('a'), remote: 'b', ...whole })
  assert.ok(seen.length > 10 && seen.every(({ bytes: now }, index) => now > (seen[index - 1]?.bytes ?? 0)))
  await sftp.get('b', local('c'))
  for (const file of [remote('b'), local('c')]) {
    assert.ok(bytes.equals(await fs.readFile(file)))
    const { mode, mtimeMs } = await fs.stat(file)
    assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1.1e12])
  }
})

test('a tree goes there and back; links that lead out of it do not', async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.mkdir(local('tree/sub/deep'), { recursive: true })
  await fs.mkdir(local('tree/empty'))
  await Promise.all(Array.from({ length: 300 }, (_, index) => fs.writeFile(local(`tree/sub/${index}`), `${index}`)))
  await fs.writeFile(local('tree/sub/deep/ä'), 'deep')
  await fs.symlink('../sub/1', local('tree/sub/inside'))
  await fs.symlink('../../secret', local('tree/sub/outside'))
  await fs.symlink('/etc/passwd', local('tree/absolute'))
  await fs.utimes(local('tree/sub'), 1e9, 1.1e9)
  const up = await sftp.put(local('tree'), 'there/tree')
  const down = await sftp.get('there/tree', local('back'))
  assert.deepEqual([up.files, up.directories, down.files, down.directories], [301, 4, 301, 3])
  assert.deepEqual(up.skipped.map((entry) => entry.path).toSorted(), [
    local('tree/absolute'),
    local('tree/sub/outside'),
  ])
  assert.deepEqual(down.skipped, [])
  const expected = (await fs.readdir(local('tree'), { recursive: true })).filter(
    (name) => !/absolute|outside/.test(name),
  )
  assert.deepEqual((await fs.readdir(local('back'), { recursive: true })).toSorted(), expected.toSorted())
  assert.equal(await fs.readlink(local('back/sub/inside')), '../sub/1')
  assert.equal(await fs.readFile(local('back/sub/299'), 'utf8'), '299')
  assert.equal((await fs.stat(local('back/sub'))).mtimeMs, 1.1e12)
  assert.equal((await fs.stat(remote('there/tree/sub'))).mtimeMs, 1.1e12)
  // Once more, over what is there.
  assert.equal((await sftp.get('there/tree', local('back'))).files, 301)
  assert.equal((await sftp.put(local('tree'), 'there/tree')).directories, 0)
})

test('links from a server that lead out of the tree are left out', async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.mkdir(remote('tree/sub'), { recursive: true })
  await fs.symlink('/etc', remote('tree/absolute'))
  await fs.symlink('../..', remote('tree/sub/out'))
  await fs.symlink('a/../..', remote('tree/sub/round'))
  const { skipped } = await sftp.get('tree', local('back'))
  assert.deepEqual(skipped.map((entry) => entry.path).toSorted(), ['tree/absolute', 'tree/sub/out', 'tree/sub/round'])
  assert.deepEqual(await fs.readdir(local('back'), { recursive: true }), ['sub'])
})

test('nothing is written through a link that stands where a file or directory is to be', async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.mkdir(remote('tree/sub'), { recursive: true })
  await fs.writeFile(remote('tree/sub/file'), 'x')
  await fs.mkdir(local('elsewhere'))
  await fs.mkdir(local('back'))
  await fs.symlink('../elsewhere', local('back/sub'))
  await assert.rejects(sftp.get('tree', local('back')), { code: 'ERR_SSH_SFTP_LOCAL' })
  await fs.unlink(local('back/sub'))
  await fs.mkdir(local('back/sub'))
  await fs.symlink('../../elsewhere/file', local('back/sub/file'))
  await assert.rejects(sftp.get('tree', local('back')), { code: 'ERR_SSH_SFTP_LOCAL' })
  assert.deepEqual(await fs.readdir(local('elsewhere')), [])
})

test('a file goes to where links lead that somebody names, and replaces what is there', async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.writeFile(remote('x'), 'new')
  for (const options of [{}, { atomic: true }, { resume: true }, { atomic: true, resume: true }]) {
    await fs.mkdir(local('elsewhere'), { recursive: true })
    await fs.writeFile(local('elsewhere/target'), 'old and longer')
    await fs.symlink('elsewhere', local('directory'))
    await fs.symlink('directory/../elsewhere/target', local('there'))
    await fs.symlink('elsewhere/none', local('nowhere'))
    await fs.symlink('loop', local('loop'))
    await sftp.get('x', local('there'), options)
    await sftp.get('x', local('nowhere'), options)
    await assert.rejects(sftp.get('x', local('loop')), { code: 'ERR_SSH_SFTP_LOCAL' })
    for (const name of ['elsewhere/target', 'elsewhere/none'])
      assert.equal(await fs.readFile(local(name), 'utf8'), 'new', JSON.stringify(options))
    assert.equal(await fs.readlink(local('there')), 'directory/../elsewhere/target')
    assert.deepEqual((await fs.readdir(local('elsewhere'))).toSorted(), ['none', 'target'])
    for (const name of ['elsewhere', 'directory', 'there', 'nowhere', 'loop'])
      await fs.rm(local(name), { recursive: true })
  }
})

test('no directory stays open while its files are under way', { skip: process.platform !== 'linux' }, async (t) => {
  let openDirectories = 0
  const seen = new Set<number>()
  const { sftp, local, remote } = await world(t, {
    asked: ({ type }, opened) => {
      openDirectories = opened
      if (type === 'READ' || type === 'WRITE') seen.add(opened)
    },
  })
  for (const side of [local, remote]) {
    await fs.mkdir(side('tree'))
    await Promise.all(Array.from({ length: 300 }, (_, index) => fs.writeFile(side(`tree/${index}`), `${index}`)))
  }
  const here = new Set<boolean>()
  const progress = async (): Promise<void> => {
    const open = await Promise.all(
      (await fs.readdir('/proc/self/fd')).map((fd) => fs.readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    )
    here.add(open.includes(local('tree')))
  }
  await sftp.put(local('tree'), 'copy', { progress: () => void progress() })
  await sftp.get('tree', local('back'))
  await sftp.stat('.')
  assert.deepEqual([[...seen], [...here], openDirectories], [[0], [false], 0])
})

for (const way of ['put', 'get'] as const) {
  test(`${way} goes on where a broken connection left it`, async (t) => {
    const { sftp, local, remote, connect } = await world(t)
    const bytes = randomBytes(30_000_000)
    const [source, target] = way === 'put' ? [local('big'), remote('big')] : [remote('big'), local('big')]
    await fs.writeFile(source, bytes)
    const { sftp: first, cut, served } = await connect()
    const cutLater = ({ bytes: now }: TransferProgress): void => {
      if (now > 12_000_000) cut()
    }
    const transfer = (through: Sftp, options: Parameters<Sftp['put']>[2]) =>
      way === 'put' ? through.put(local('big'), 'big', options) : through.get('big', local('big'), options)
    await assert.rejects(transfer(first, { resume: true, progress: cutLater }), { code: 'ERR_SSH_CONNECTION_LOST' })
    await served
    const there = (await fs.stat(target)).size
    assert.ok(there > 0 && there < bytes.length, `${there} bytes`)
    const { resumed, bytes: moved } = await transfer(sftp, { resume: true })
    assert.deepEqual([resumed, moved], [there, bytes.length - there])
    assert.ok(bytes.equals(await fs.readFile(target)))
    // Once more: all of it is there.
    assert.deepEqual((await transfer(sftp, { resume: true, verify: 'full' })).bytes, 0)
  })

  test(`${way} begins anew where what is there is something else`, async (t) => {
    const { sftp, local, remote } = await world(t)
    const bytes = randomBytes(4_000_000)
    const [source, target] = way === 'put' ? [local('x'), remote('x')] : [remote('x'), local('x')]
    const transfer = (options: Parameters<Sftp['put']>[2]) =>
      way === 'put' ? sftp.put(local('x'), 'x', options) : sftp.get('x', local('x'), options)
    await fs.writeFile(source, bytes)
    const early = Buffer.from(bytes.subarray(0, 3_000_000))
    early.writeUInt8(early.readUInt8(0) ^ 1, 0)
    const late = Buffer.from(bytes.subarray(0, 3_000_000))
    late.writeUInt8(late.readUInt8(2_999_999) ^ 1, 2_999_999)
    // As where the oldest of all writes under way was the one that failed.
    const hole = Buffer.from(bytes.subarray(0, 3_000_000)).fill(0, 3_000_000 - 2_097_152, 1_000_000)
    const cases = [
      { there: late, verify: 'tail', resumed: 0, same: true },
      { there: hole, verify: 'tail', resumed: 0, same: true },
      { there: early, verify: 'tail', resumed: 3_000_000, same: false },
      { there: early, verify: 'full', resumed: 0, same: true },
      { there: late, verify: 'none', resumed: 3_000_000, same: false },
      { there: Buffer.alloc(5_000_000), verify: 'none', resumed: 0, same: true },
    ] as const
    for (const { there, verify, resumed, same } of cases) {
      await fs.writeFile(target, there)
      assert.equal((await transfer({ resume: true, verify })).resumed, resumed, verify)
      assert.equal(bytes.equals(await fs.readFile(target)), same, verify)
    }
  })

  test(`${way} fails where the file changes meanwhile, and leaves no mix`, async (t) => {
    const { sftp, local, remote } = await world(t)
    const [source, target] = way === 'put' ? [local('x'), remote('x')] : [remote('x'), local('x')]
    await fs.writeFile(source, Buffer.alloc(5_000_000))
    await fs.utimes(source, 1e9, 1e9)
    let writing: Promise<void> | undefined
    const progress = (): void => {
      writing ??= fs.appendFile(source, 'more')
    }
    const transfer = way === 'put' ? sftp.put(local('x'), 'x', { progress }) : sftp.get('x', local('x'), { progress })
    await assert.rejects(transfer, (error: HoldfastError) => {
      assert.equal(error.code, 'ERR_SSH_SFTP_CHANGED')
      return true
    })
    await writing
    assert.equal((await fs.stat(target)).size, 0)
  })

  test(`${way} with atomic replaces the file at once, or not at all`, async (t) => {
    const { sftp, local, remote } = await world(t)
    const [source, target] = way === 'put' ? [local('x'), remote('x')] : [remote('x'), local('x')]
    await fs.writeFile(source, 'new'.repeat(1_000_000))
    await fs.writeFile(target, 'old')
    const transfer = (options: Parameters<Sftp['put']>[2]) =>
      way === 'put' ? sftp.put(local('x'), 'x', options) : sftp.get('x', local('x'), options)
    const seen = new Set<number>()
    const watch = { atomic: true, progress: () => void fs.stat(target).then(({ size }) => seen.add(size)) }
    const stop = new AbortController()
    const cancel = { atomic: true, signal: stop.signal, progress: () => stop.abort('enough') }
    await assert.rejects(transfer(cancel), { name: 'AbortError', code: 'ERR_SSH_ABORTED', cause: 'enough' })
    assert.equal(await fs.readFile(target, 'utf8'), 'old')
    await sftp.stat('.')
    assert.deepEqual(await fs.readdir(path.dirname(target)), ['x'])
    await transfer(watch)
    assert.ok((await fs.readFile(source)).equals(await fs.readFile(target)))
    assert.deepEqual(
      [...seen].filter((size) => size !== 3 && size !== 3_000_000),
      [],
    )
    assert.deepEqual(await fs.readdir(path.dirname(target)), ['x'])
  })
}

test('what others may not read there they may not read here, also while it comes', async (t) => {
  const { sftp, local, remote } = await world(t)
  const modes = [
    [0o600, 0o600],
    [0o640, 0o640],
    [0o755, 0o644],
  ] as const
  for (const [there, here] of modes) {
    await fs.writeFile(remote('secret'), 'secret')
    await fs.chmod(remote('secret'), there)
    let seen: Promise<{ readonly mode: number }> | undefined
    const progress = (): void => {
      seen ??= fs.stat(local(`${there}`))
    }
    await sftp.get('secret', local(`${there}`), { preserve: false, progress })
    for (const { mode } of [await seen, await fs.stat(local(`${there}`))].filter((stats) => stats !== undefined))
      assert.equal(mode & 0o777 & ~0o022, here & ~0o022)
  }
})

const isLinux = process.platform === 'linux'

test('what a kernel makes up as it is read is fetched and sent', { skip: !isLinux }, async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.symlink('/proc/version', remote('version'))
  await sftp.get('version', local('version'))
  const version = await fs.readFile('/proc/version', 'utf8')
  assert.equal(await fs.readFile(local('version'), 'utf8'), version)
  for (const options of [{}, { atomic: true }, { resume: true }]) {
    await sftp.put('/proc/version', 'sent', options)
    assert.equal(await fs.readFile(remote('sent'), 'utf8'), version)
    await fs.rm(remote('sent'))
  }
})

test('a file that grows as fast as it is fetched is given up', async (t) => {
  let left = 1000
  const { sftp, local, remote } = await world(t, {
    asked: async ({ type }) => {
      if (type === 'READ' && left-- > 0) await fs.appendFile(remote('log'), Buffer.alloc(32 * 1024))
    },
  })
  await fs.writeFile(remote('log'), Buffer.alloc(300_000))
  await assert.rejects(sftp.get('log', local('log')), { code: 'ERR_SSH_SFTP_CHANGED' })
  assert.equal((await fs.stat(local('log'))).size, 0)
  assert.ok(left > 0, 'it came to its end')
})

test('a device that takes a file keeps its permissions and times', { skip: !isLinux }, async (t) => {
  const { sftp, remote } = await world(t)
  await fs.writeFile(remote('x'), 'x')
  await fs.chmod(remote('x'), 0o666)
  await fs.utimes(remote('x'), 1e9, 1e9)
  await sftp.get('x', '/dev/null')
  assert.notEqual((await fs.stat('/dev/null')).mtimeMs, 1e12)
})

test('a server that does not say how large a file is gets and gives whole files all the same', async (t) => {
  const { sftp, local, remote } = await world(t, { saysSize: false })
  await fs.writeFile(local('x'), 'new'.repeat(1000))
  await fs.writeFile(remote('x'), 'older'.repeat(1000))
  await sftp.put(local('x'), 'x', { resume: true })
  assert.equal(await fs.readFile(remote('x'), 'utf8'), 'new'.repeat(1000))
  await fs.writeFile(local('x'), 'older'.repeat(1000))
  await sftp.get('x', local('x'), { resume: true })
  assert.equal(await fs.readFile(local('x'), 'utf8'), 'new'.repeat(1000))
})

for (const way of ['put', 'get'] as const) {
  test(`${way} with atomic leaves out what an earlier one left, which would meet the parts of this one`, async (t) => {
    const { sftp, local, remote } = await world(t)
    const [source, target] = way === 'put' ? [local, remote] : [remote, local]
    await fs.mkdir(source('tree'))
    for (let index = 0; index < 20; index++) {
      await fs.writeFile(source(`tree/${index}`), 'whole'.repeat(30_000))
      await fs.writeFile(source(`tree/${index}.holdfast-part`), 'who')
    }
    const options = { atomic: true }
    const { files, skipped } =
      way === 'put' ? await sftp.put(local('tree'), 'tree', options) : await sftp.get('tree', local('tree'), options)
    assert.deepEqual([files, skipped.length], [20, 20])
    assert.equal((await fs.readdir(target('tree'))).length, 20)
    for (let index = 0; index < 20; index++) assert.equal((await fs.stat(target(`tree/${index}`))).size, 150_000)
  })
}

test('names that are not UTF-8 are left out, since two of them may be one here', async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.mkdir(remote('tree'))
  await fs.writeFile(remote('tree/ä'), 'text')
  for (const byte of [0xe4, 0xf6])
    await fs.writeFile(Buffer.concat([Buffer.from(remote('tree/')), Buffer.of(byte)]), `${byte}`)
  const { files, skipped } = await sftp.get('tree', local('tree'))
  assert.deepEqual([files, skipped.map(({ why }) => why)], [1, ['its name is not UTF-8', 'its name is not UTF-8']])
  assert.deepEqual(await fs.readdir(local('tree')), ['ä'])
})

for (const resume of [false, true])
  test(`names of this machine that are not UTF-8 are left out, resume ${resume}`, { skip: !isLinux }, async (t) => {
    const { sftp, local, remote } = await world(t)
    await fs.mkdir(local('tree'))
    // What a reader makes of bytes that are no text is a name like any other.
    for (const name of ['ä', '\ufffd']) await fs.writeFile(local(`tree/${name}`), name)
    const at = (byte: number) => Buffer.concat([Buffer.from(local('tree/')), Buffer.of(byte)])
    await fs.writeFile(at(0xe4), 'another')
    await fs.mkdir(at(0xf6))
    await fs.writeFile(Buffer.concat([at(0xf6), Buffer.from('/below')]), 'another')
    for (const round of resume ? [0, 1] : [0]) {
      const { files, directories, skipped } = await sftp.put(local('tree'), 'tree', { resume, concurrency: 1 })
      assert.deepEqual([files, directories], [2, round === 0 ? 1 : 0])
      const odd = { path: local('tree/\ufffd'), why: 'its name is not UTF-8' }
      assert.deepEqual(skipped, [odd, odd])
    }
    assert.deepEqual(new Set(await fs.readdir(remote('tree'))), new Set(['ä', '\ufffd']))
    assert.equal(await fs.readFile(remote('tree/\ufffd'), 'utf8'), '\ufffd')
  })

test('links to what is not UTF-8 are left out', { skip: !isLinux }, async (t) => {
  const { sftp, local, remote } = await world(t)
  for (const place of [local, remote]) {
    await fs.mkdir(place('tree'))
    await fs.symlink(Buffer.of(0xe4), place('tree/link'))
  }
  const why = 'it is a link to what is not UTF-8'
  assert.deepEqual((await sftp.put(local('tree'), 'new')).skipped, [{ path: local('tree/link'), why }])
  assert.deepEqual(await fs.readdir(remote('new')), [])
  assert.deepEqual((await sftp.get('tree', local('new'))).skipped, [{ path: 'tree/link', why }])
  assert.deepEqual(await fs.readdir(local('new')), [])
})

test('what is put and is neither file nor directory is not opened: a pipe keeps its writer', {
  skip: !isLinux,
  timeout: 30_000,
}, async (t) => {
  const { sftp, local } = await world(t)
  const pipe = local('pipe')
  execFileSync('mkfifo', [pipe])
  const writing = fs.writeFile(pipe, 'for another')
  await assert.rejects(sftp.put(pipe, 'x'), { code: 'ERR_SSH_OPTION', message: /neither file nor directory/ })
  assert.equal(await fs.readFile(pipe, 'utf8'), 'for another')
  await writing
})

test('a failure of one file ends a tree, and says which', async (t) => {
  const { sftp, local, remote } = await world(t)
  await fs.mkdir(local('tree'))
  await Promise.all(Array.from({ length: 50 }, (_, index) => fs.writeFile(local(`tree/${index}`), 'x')))
  await fs.mkdir(remote('tree/25'), { recursive: true })
  await assert.rejects(sftp.put(local('tree'), 'tree'), {
    code: 'ERR_SSH_SFTP_FAILURE',
    syscall: 'open',
    path: 'tree/25',
  })
  await assert.rejects(sftp.put(local('none'), 'x'), (error: HoldfastError) => {
    assert.equal(error.code, 'ERR_SSH_SFTP_LOCAL')
    assert.match(error.message, /ENOENT/)
    return true
  })
  await assert.rejects(sftp.get('none', local('x')), { code: 'ENOENT', path: 'none' })
  const thrown = new Error('of the program')
  const progress = (): never => {
    throw thrown
  }
  await assert.rejects(sftp.put(local('tree'), 'other', { progress }), (error) => error === thrown)
  // The server works in order: what had been asked for by then is done.
  await sftp.stat('.')
})

test('what is given up before it begins has not been sent, and says so', async (t) => {
  const asked: string[] = []
  const { sftp, local, remote } = await world(t, { asked: ({ type }) => asked.push(type) })
  for (const place of [local, remote]) {
    await fs.mkdir(place('tree'))
    await fs.writeFile(place('file'), 'x')
  }
  const cause = new Error('of the program')
  const signal = AbortSignal.abort(cause)
  const calls = {
    put: () => sftp.put(local('file'), 'new', { signal }),
    'put, atomic': () => sftp.put(local('file'), 'new', { signal, atomic: true }),
    'put of a tree': () => sftp.put(local('tree'), 'new', { signal }),
    get: () => sftp.get('file', local('new'), { signal }),
    'get of a tree': () => sftp.get('tree', local('new'), { signal }),
    mkdir: () => sftp.mkdir('a/b', { recursive: true, signal }),
    rm: () => sftp.rm('tree', { recursive: true, force: true, signal }),
  }
  for (const [name, call] of Object.entries(calls)) {
    const expected = { code: 'ERR_SSH_ABORTED', delivery: 'not-sent', cause }
    await assert.rejects(call(), expected, name)
  }
  await sftp.stat('.')
  assert.deepEqual(asked, ['STAT'])
  assert.deepEqual(new Set(await fs.readdir(local(''))), new Set(['file', 'tree']))
})

test('over a session that was closed nothing is sent, and that is said', async (t) => {
  const { sftp, local } = await world(t)
  await fs.writeFile(local('file'), 'x')
  await sftp.close()
  const closed = { code: 'ERR_SSH_CLOSED', delivery: 'not-sent' }
  await assert.rejects(sftp.put(local('file'), 'new'), closed)
  await assert.rejects(sftp.get('file', local('new')), closed)
})

test('access opens nothing but files and directories: a FIFO would keep the server waiting', async (t) => {
  const asked: string[] = []
  const fifo = 0o010644
  const { sftp, remote } = await world(t, {
    asked: ({ type }) => void asked.push(type),
    answers: (request, reply) => (request.type === 'STAT' ? { type: 'ATTRS', attributes: { mode: fifo } } : reply),
  })
  // One that were one would hold this process up, where it is opened.
  await fs.writeFile(remote('fifo'), '')
  for (const mode of [fs.constants.R_OK, fs.constants.W_OK])
    await assert.rejects(sftp.access('fifo', mode), {
      code: 'ERR_SSH_OPTION',
      message: /'fifo' is neither file nor directory/,
    })
  await sftp.access('fifo')
  assert.deepEqual(asked, ['STAT', 'STAT', 'STAT'])
})

test('wrong options are told before anything is done', async (t) => {
  const { sftp } = await world(t)
  const wrong = [{ verify: 'some' as 'full' }, { concurrency: 0 }, { resume: 1 as unknown as boolean }, { atomc: true }]
  for (const options of wrong) await assert.rejects(sftp.get('a', 'b', options), { code: 'ERR_SSH_OPTION' })
  await assert.rejects(sftp.put('', 'b'), { code: 'ERR_SSH_OPTION' })
})

test('a link stays inside its tree only by what cannot be another link', () => {
  const inside = [
    ['a', 0],
    ['./a/b', 0],
    ['../a', 1],
    ['..', 1],
    ['../../a/b', 2],
    ['.', 0],
  ] as const
  const outside = [
    ['../a', 0],
    ['/a', 5],
    ['a/..', 3],
    ['../../a', 1],
    ['a/../../b', 1],
    ['', 1],
  ] as const
  for (const [target, depth] of inside) assert.equal(staysInside(target, depth), true, target)
  for (const [target, depth] of outside) assert.equal(staysInside(target, depth), false, target)
})

for (const way of ['put', 'get'] as const) {
  test(`${way} of a tree gets through on connections that are cut again and again`, async (t) => {
    const { local, remote, connect } = await world(t)
    const source = way === 'put' ? local : remote
    const target = way === 'put' ? remote : local
    for (const directory of ['tree/a', 'tree/b']) {
      await fs.mkdir(source(directory), { recursive: true })
      await Promise.all(
        Array.from({ length: 150 }, (_, index) => fs.writeFile(source(`${directory}/${index}`), `${index}`)),
      )
    }
    await fs.writeFile(source('tree/large'), randomBytes(12_000_000))
    let cuts = 0
    for (let isDone = false; !isDone; ) {
      const { sftp, cut } = await connect()
      let files = 0
      let bytes = 0
      const progress = (seen: TransferProgress): void => {
        files = Math.max(files, seen.files)
        if (seen.local.endsWith('large')) bytes = bytes || seen.bytes
        if (files > cuts * 40 + 60 || (bytes > 0 && seen.bytes > bytes + 4_000_000)) cut()
      }
      const options = { resume: true, progress }
      const transfer =
        way === 'put' ? sftp.put(local('tree'), 'tree', options) : sftp.get('tree', local('tree'), options)
      isDone = await transfer.then(
        () => true,
        (error: unknown) => {
          assert.ok(error instanceof HoldfastError)
          assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
          return false
        },
      )
      if (!isDone) cuts++
    }
    assert.ok(cuts > 3, `${cuts} cuts`)
    const names = await fs.readdir(source('tree'), { recursive: true })
    assert.deepEqual((await fs.readdir(target('tree'), { recursive: true })).toSorted(), names.toSorted())
    for (const name of names.filter((each) => each.includes('/') || each === 'large'))
      assert.ok((await fs.readFile(source(`tree/${name}`))).equals(await fs.readFile(target(`tree/${name}`))), name)
  })
}
