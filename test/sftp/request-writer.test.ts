import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from '#src/errors.js'
import { PacketMemory } from '#src/sftp/packet-memory.js'
import { PendingRequest } from '#src/sftp/pending-request.js'
import { RequestBatch } from '#src/sftp/request-batch.js'
import { RequestWriter } from '#src/sftp/request-writer.js'
import type { CallSettings } from '#src/sftp/sftp-session.js'
import { decodeChannelData } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { scripted } from '../session/scripted.js'
import { ok, scriptedSftp } from './scripted.js'

function statOf(path: string, signal?: AbortSignal): PendingRequest {
  const requester = { called: () => ({ syscall: 'stat', path }), answered: () => {}, failed: () => {} }
  const settings = { limitMs: 1000, signal, goesAnyway: false, origin: new Error('called') }
  return new PendingRequest(requester, { type: 'STAT', path: Buffer.from(path) }, settings)
}

test('of calls that have failed before they leave nothing is kept', async () => {
  const { client, time } = await scripted()
  const writer = new RequestWriter({
    waits: client.connection.waits,
    memory: new PacketMemory(),
    now: () => time.now(),
    write: (_bytes, sent) => sent(),
    failed: () => {},
    left: () => {},
  })
  const begin = (signal: AbortSignal | undefined) => {
    const request = statOf('/', signal)
    request.batch = writer.batchFor(request, 100)
    return { request, batch: request.batch }
  }
  const failed = Array.from({ length: 100 }, () => begin(AbortSignal.abort()).batch)
  const { request, batch } = begin(undefined)
  writer.send(request, Buffer.alloc(100))
  await time.run(1)
  assert.equal([...failed, batch].filter(({ leftAt }) => leftAt !== undefined).length, 1)
  batch.reject(new Error('over'))
})

test('one of those that wait together and throws when it is told keeps it from none of the others', async () => {
  const { client } = await scripted()
  const told: string[] = []
  const tell = ({ request }: PendingRequest) => {
    if (request.type !== 'STAT') return
    told.push(request.path.toString())
    if (told.length === 2) throw new Error('a fault of the second')
  }
  const [first, ...others] = ['/1', '/2', '/3', '/4'].map((path) => statOf(path))
  assert.ok(first !== undefined)
  const batch = new RequestBatch(client.connection.waits, first, tell)
  for (const other of others) batch.add(other)
  const over = new Error('over')
  assert.throws(() => batch.failed(over), /a fault of the second/)
  assert.deepEqual(told, ['/1', '/2', '/3', '/4'])
  for (const request of [first, ...others]) batch.answered(request)
})

test('of requests that wait together each fails by an error that names its own path', async () => {
  const { open, sftpServer, time, client } = await scriptedSftp()
  const session = await (await open()).session.current()
  sftpServer.answer = ({ type }) => (type === 'RMDIR' ? ok : undefined)
  const stop = new AbortController()
  const ask = (path: string, given: CallSettings, type: 'STAT' | 'RMDIR' = 'STAT') => {
    const call = { what: { syscall: 'stat', path }, request: { type, path: Buffer.from(path) }, result: () => {} }
    return time.outcome(session.call(call, given))
  }
  const before = client.connection.waits.size
  for (const signal of [undefined, stop.signal]) {
    const settings = { signal, origin: new Error('called') }
    const outcomes = [
      ask('/answered', settings, 'RMDIR'),
      ask('/a', settings),
      ask('/b', settings),
      ask('/c', settings),
    ]
    assert.equal(client.connection.waits.size, before + 1)
    if (signal !== undefined) time.after(1000, () => stop.abort())
    const [answered, ...failed] = await Promise.all(outcomes)
    assert.equal(answered?.status, 'fulfilled')
    const says = (path: string) =>
      signal === undefined
        ? `the SFTP reply to stat '${path}' did not come within the limit sftp of 15000 ms`
        : `aborted while waiting for the SFTP reply to stat '${path}'`
    for (const [index, outcome] of failed.entries()) {
      const error = outcome.status === 'rejected' ? outcome.reason : undefined
      assert.ok(error instanceof HoldfastError)
      assert.equal(error.message, says(['/a', '/b', '/c'][index] ?? ''))
      assert.ok(error.stack?.startsWith(`${error.name}: ${error.message}\n    at `), error.stack)
    }
  }
})

test('a request of another limit or signal waits for its own reply', async () => {
  const { open, sftpServer, time, client } = await scriptedSftp()
  const session = await (await open()).session.current()
  sftpServer.answer = () => undefined
  const [stop, other] = [new AbortController(), new AbortController()]
  const origin = new Error('called')
  const ask = (settings: CallSettings) => {
    const call = {
      what: { syscall: 'stat' },
      request: { type: 'STAT', path: Buffer.from('/') } as const,
      result: () => {},
    }
    return time.failure(session.call(call, { origin, ...settings }))
  }
  const before = client.connection.waits.size
  const calls = [{}, { isSlow: true }, { signal: stop.signal }, { signal: other.signal }, {}].map(ask)
  assert.equal(client.connection.waits.size, before + 4)
  time.after(1000, () => stop.abort())
  time.after(2000, () => other.abort())
  const ends = (await Promise.all(calls)).map(({ error, tookMs }) => [error.code, Math.floor(tookMs / 1000)])
  const limit = ['ERR_SSH_TIMEOUT', 15]
  const aborted = [1, 2].map((after) => ['ERR_SSH_ABORTED', after])
  assert.deepEqual(ends, [limit, ['ERR_SSH_TIMEOUT', 120], ...aborted, limit])
})

test('no request that the server has whole is said not to have been sent, although others of its write never leave', async () => {
  const { time, server, sftpServer, open } = await scriptedSftp()
  const confirm = server.confirm.bind(server)
  server.confirm = (recipient, options) => confirm(recipient, { ...options, window: 24 * 1024 })
  const sftp = await open()
  sftpServer.answer = () => undefined
  const before = server.before
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_DATA) return before(payload)
    sftpServer.receive(decodeChannelData(payload).data)
    return true
  }
  const calls = Array.from({ length: 30 }, () => sftp.unlink(`/${'x'.repeat(1000)}`))
  const outcomes = Promise.allSettled(calls)
  await time.run(100)
  const came = sftpServer.types.filter((type) => type === 'REMOVE').length
  server.close(new Error('reset'))
  const deliveries = (await time.value(outcomes)).map((outcome) =>
    outcome.status === 'rejected' && outcome.reason instanceof HoldfastError ? outcome.reason.delivery : outcome.status,
  )
  assert.ok(came > 20 && came < 30, `${came} came`)
  assert.deepEqual([...new Set(deliveries.slice(0, came))], ['unknown'])
})
