/** A server that never ends what it was asked for fills no memory here beyond what was allowed. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { HoldfastError, Sftp } from 'holdfast'
import type { NameEntry, Reply } from '#src/sftp/replies.js'
import type { Request } from '#src/sftp/requests.js'
import { client as login, server } from '../promises/support/embedded.js'
import { contented, eof, SftpScript, scriptedSftp } from './scripted.js'

test('a file that never ends is given up at maxBuffer, and closed', async () => {
  const { time, sftpServer, open, client } = await scriptedSftp()
  const sftp = await open()
  let given = 0
  sftpServer.answer = (request) => {
    if (request.type !== 'READ') return contented(request)
    given += request.length
    return { type: 'DATA', data: Buffer.alloc(request.length) }
  }
  const handle = await time.value(sftp.open('/endless'))
  const calls = [
    () => sftp.readFile('/endless', { maxBuffer: 1_000_000 }),
    () => sftp.readFile('/endless', { maxBuffer: 1_000_000, encoding: 'utf8' }),
    () => handle.readFile({ maxBuffer: 1_000_000 }),
  ]
  for (const call of calls) {
    given = 0
    const { error } = await time.failure(call())
    assert.equal(error.code, 'ERR_SSH_MAX_BUFFER')
    assert.match(error.message, /'\/endless' has more than maxBuffer \(1000000 bytes\)/)
    assert.ok(given < 2_000_000, `${given} bytes`)
  }
  await time.run(10)
  assert.equal(sftpServer.types.filter((type) => type === 'CLOSE').length, 2)
  assert.equal(client.connection.cause, undefined)
})

test('a file of exactly maxBuffer is read', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => {
    if (request.type !== 'READ' || request.offset >= 1000n) return contented(request)
    return { type: 'DATA', data: Buffer.alloc(Math.min(request.length, 1000 - Number(request.offset))) }
  }
  assert.equal((await time.value(sftp.readFile('/file', { maxBuffer: 1000 }))).length, 1000)
  assert.equal((await time.failure(sftp.readFile('/file', { maxBuffer: 999 }))).error.code, 'ERR_SSH_MAX_BUFFER')
  for (const maxBuffer of [0, -1, 1.5, Number.NaN]) {
    assert.equal((await time.failure(sftp.readFile('/file', { maxBuffer }))).error.code, 'ERR_SSH_OPTION')
    assert.equal((await time.failure(sftp.readdir('/', { maxBuffer }))).error.code, 'ERR_SSH_OPTION')
  }
})

test('a directory that never ends is given up, whoever reads it', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  let entries = 0
  sftpServer.answer = (request) => {
    if (request.type === 'LSTAT') return { type: 'ATTRS', attributes: { mode: 0o040755 } }
    if (request.type !== 'READDIR') return contented(request)
    const names = Array.from({ length: 15_000 }, () => {
      const name = Buffer.from(`${entries++}`)
      return { name, longName: Buffer.alloc(0), attributes: { mode: 0o100644 } }
    })
    return { type: 'NAME', names }
  }
  const calls = [
    () => sftp.readdir('/', { maxBuffer: 1_000_000 }),
    () => sftp.readdir('/', { maxBuffer: 1_000_000, withFileTypes: true }),
    () => sftp.rm('/', { recursive: true }),
  ]
  for (const call of calls) {
    entries = 0
    const { error } = await time.failure(call(), 60_000)
    assert.equal(error.code, 'ERR_SSH_MAX_BUFFER')
    assert.ok(entries < 1_000_000, `${entries} entries`)
    await time.run(10)
    assert.equal(sftpServer.types.at(-1), 'CLOSE')
  }
})

test('directories within directories without end are given up by rm', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  let isRead = false
  sftpServer.answer = (request) => {
    if (request.type === 'LSTAT') return { type: 'ATTRS', attributes: { mode: 0o040755 } }
    if (request.type !== 'READDIR') return contented(request)
    isRead = !isRead
    return isRead ? { type: 'NAME', names: [entryOf('deeper', 0o040755), entryOf('file', 0o100644)] } : eof
  }
  const { error } = await time.failure(sftp.rm('/', { recursive: true, maxBuffer: 1_000_000 }), 600_000)
  assert.equal(error.code, 'ERR_SSH_MAX_BUFFER')
  const depth = sftpServer.types.filter((type) => type === 'OPENDIR').length
  assert.ok(depth > 10 && depth < 1000, `${depth} levels`)
})

test('rm needs memory for where it is in a tree, and not for what it has done', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  let directory = ''
  const read = new Set<string>()
  sftpServer.answer = (request) => {
    if (request.type === 'LSTAT') return { type: 'ATTRS', attributes: { mode: 0o040755 } }
    if (request.type === 'OPENDIR') directory = String(request.path)
    if (request.type !== 'READDIR' || read.has(directory)) return request.type === 'READDIR' ? eof : contented(request)
    read.add(directory)
    const isTop = directory === '/top'
    const names = Array.from({ length: isTop ? 50 : 200 }, (_, index) =>
      entryOf(`${index}`, isTop ? 0o040755 : 0o100644),
    )
    return { type: 'NAME', names }
  }
  await time.value(sftp.rm('/top', { recursive: true, maxBuffer: 200_000 }))
  assert.equal(sftpServer.types.filter((type) => type === 'REMOVE').length, 10_000)
})

test('a file that grows as it comes is given up where the server does not say how large it is', async (t) => {
  let reads = 0
  const sftp = await answeredBy(t, (request) => {
    if (request.type === 'STAT') return { type: 'ATTRS', attributes: { mode: 0o100644 } }
    if (request.type === 'FSTAT') return { type: 'ATTRS', attributes: { times: { atime: 1, mtime: reads } } }
    if (request.type !== 'READ') return contented(request)
    return ++reads > 500 ? eof : { type: 'DATA', data: Buffer.alloc(request.length) }
  })
  await assert.rejects(sftp.get('/growing', path.join(await folder(t), 'x')), { code: 'ERR_SSH_SFTP_CHANGED' })
  assert.ok(reads < 400, `${reads} READs`)
})

test('what a kernel makes up is asked what it is a few times only, however much comes', async (t) => {
  const types: string[] = []
  const sftp = await answeredBy(t, (request) => {
    types.push(request.type)
    if (request.type === 'FSTAT' || request.type === 'STAT') return { type: 'ATTRS', attributes: { size: 0n } }
    if (request.type !== 'READ') return contented(request)
    return request.offset >= 10_000_000n ? eof : { type: 'DATA', data: Buffer.alloc(request.length) }
  })
  await sftp.get('/proc/x', path.join(await folder(t), 'x'))
  const [reads, looks] = ['READ', 'FSTAT'].map((type) => types.filter((one) => one === type).length)
  assert.ok((reads ?? 0) > 300 && (looks ?? 0) < 20, `${reads} READs, ${looks} FSTATs`)
})

test('what is kept of a tree until its end is bounded', async (t) => {
  let listed = 0
  const answer = (request: Request): Reply => {
    if (request.type === 'STAT') return { type: 'ATTRS', attributes: { mode: 0o040755 } }
    if (request.type !== 'READDIR') return contented(request)
    listed++
    if (listed % 2 === 0) return eof
    const links = Array.from({ length: 500 }, (_, index) => entryOf(`${index}`, 0o120777))
    return { type: 'NAME', names: [...links, entryOf('deeper', 0o040755)] }
  }
  const sftp = await answeredBy(t, answer)
  await assert.rejects(sftp.get('/', await folder(t), { maxBuffer: 1_000_000 }), (error: HoldfastError) => {
    assert.equal(error.code, 'ERR_SSH_MAX_BUFFER')
    return true
  })
  assert.ok(listed < 20, `${listed} listings`)
})

/** A session with a server of which this says all that it answers. */
async function answeredBy(t: TestContext, answer: (request: Request) => Reply): Promise<Sftp> {
  const target = await server(t, {
    subsystems: {
      sftp: async ({ stdin, stdout }) => {
        const script = new SftpScript({}, (bytes) => stdout.write(bytes))
        script.answer = answer
        for await (const bytes of stdin as AsyncIterable<Buffer>) script.receive(bytes)
      },
    },
  })
  return (await login(t, target)).sftp()
}

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'holdfast-bounds-'))
  t.after(() => rm(made, { recursive: true, force: true }))
  return made
}

function entryOf(name: string, mode: number): NameEntry {
  return { name: Buffer.from(name), longName: Buffer.alloc(0), attributes: { mode } }
}
