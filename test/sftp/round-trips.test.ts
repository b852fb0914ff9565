import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeLimits } from '#src/sftp/extension-data.js'
import type { Reply } from '#src/sftp/replies.js'
import type { Request } from '#src/sftp/requests.js'
import { contented, eof, scriptedSftp } from './scripted.js'

const content = Buffer.from('small')
const attrs: Reply = { type: 'ATTRS', attributes: { size: 5n, times: { atime: 1, mtime: 1 }, mode: 0o100644 } }

function fileServer(request: Request): Reply {
  if (request.type === 'FSTAT' || request.type === 'STAT') return attrs
  if (request.type === 'READ') return request.offset === 0n ? { type: 'DATA', data: content } : eof
  return contented(request)
}

test('a small file is read in two round trips: what says where it ends is asked with it, and nobody waits for CLOSE', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'CLOSE' ? undefined : fileServer(request))
  assert.deepEqual(await time.value(sftp.readFile('/small')), content)
  await time.run(10)
  assert.deepEqual(sftpServer.types, ['OPEN', 'FSTAT', 'READ', 'CLOSE'])
})

test('files that are read side by side are all asked for at once, the first of them as much as one request may', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits'] })
  const piece = 255 * 1024
  const limits = encodeLimits({ packet: 0n, read: BigInt(piece), write: BigInt(piece), handles: 0n })
  sftpServer.answer = () => ({ type: 'EXTENDED_REPLY', data: limits })
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'READ' ? undefined : fileServer(request))
  const reads = Array.from({ length: 32 }, () => sftp.readFile('/small'))
  await time.run(10)
  const asked = sftpServer.requests.flatMap(({ id, request }) => (request.type === 'READ' ? [{ id, ...request }] : []))
  assert.equal(asked.length, 32)
  assert.equal(asked[0]?.length, piece)
  assert.ok(asked.every(({ length }) => length >= 32 * 1024))
  for (const { id } of asked) sftpServer.reply(id, { type: 'DATA', data: content })
  assert.deepEqual(
    await time.value(Promise.all(reads)),
    reads.map(() => content),
  )
})

test('what is known to fit into one request is asked for by one, however many read', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits'] })
  const piece = 255 * 1024
  const limits = encodeLimits({ packet: 0n, read: BigInt(piece), write: BigInt(piece), handles: 0n })
  sftpServer.answer = () => ({ type: 'EXTENDED_REPLY', data: limits })
  const sftp = await open()
  const part = Buffer.alloc(100_000, 'part')
  sftpServer.answer = (request) => (request.type === 'READ' ? undefined : fileServer(request))
  const handles = await time.value(Promise.all(Array.from({ length: 16 }, () => sftp.open('/large'))))
  const reads = handles.map((handle) => handle.read(Buffer.alloc(part.length), { position: 0 }))
  await time.run(10)
  const asked = sftpServer.requests.flatMap(({ id, request }) => (request.type === 'READ' ? [{ id, ...request }] : []))
  for (const { id } of asked) sftpServer.reply(id, { type: 'DATA', data: part })
  for (const { bytesRead } of await time.value(Promise.all(reads))) assert.equal(bytesRead, part.length)
  assert.deepEqual(
    asked.map(({ length }) => length),
    handles.map(() => part.length),
  )
})

test('a file that has more, or less, than the server says is read to its end', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  for (const size of [0n, 3n, 4096n, undefined]) {
    sftpServer.answer = (request) =>
      request.type === 'FSTAT' ? { type: 'ATTRS', attributes: { size } } : fileServer(request)
    assert.deepEqual(await time.value(sftp.readFile('/small')), content)
  }
})

test('a server that says nothing of a file but its content holds up nobody who reads it', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'FSTAT' ? undefined : fileServer(request))
  assert.deepEqual(await time.value(sftp.readFile('/small')), content)
  sftpServer.answer = (request) =>
    request.type === 'FSTAT' ? { type: 'STATUS', code: 8, message: '' } : fileServer(request)
  assert.deepEqual(await time.value(sftp.readFile('/small')), content)
})

test('CLOSE goes out once the last write is answered: a server may work on requests side by side', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'WRITE' ? undefined : contented(request))
  const writing = time.failure(sftp.writeFile('/small', content))
  await time.run(100)
  assert.deepEqual(sftpServer.types, ['OPEN', 'WRITE'])
  sftpServer.reply(sftpServer.idOf('WRITE'), { type: 'STATUS', code: 4, message: 'no space left' })
  assert.equal((await writing).error.code, 'ERR_SSH_SFTP_FAILURE')
})

test('a small file is written and closed in one flight where the server is OpenSSH’s own, and what fails first is told', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits', 'lsetstat'] })
  const sftp = await open()
  const opening = sftpServer.types.length
  sftpServer.answer = (request) => (request.type === 'OPEN' ? contented(request) : undefined)
  const writing = time.failure(sftp.writeFile('/small', content))
  await time.run(100)
  assert.deepEqual(sftpServer.types.slice(opening), ['OPEN', 'WRITE', 'CLOSE'])
  sftpServer.reply(sftpServer.idOf('WRITE'), { type: 'STATUS', code: 4, message: 'no space left' })
  sftpServer.reply(sftpServer.idOf('CLOSE'), { type: 'STATUS', code: 4, message: 'bad handle' })
  assert.match((await writing).error.message, /no space left/)
})

test('what closing says of what was written is told', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const full: Reply = { type: 'STATUS', code: 4, message: 'quota exceeded' }
  sftpServer.answer = (request) => (request.type === 'CLOSE' ? full : contented(request))
  assert.match((await time.failure(sftp.writeFile('/small', content))).error.message, /quota exceeded/)
})
