import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallSettings } from '#src/sftp/sftp-session.js'
import { ok, scriptedSftp } from './scripted.js'

/** A session that has asked for so much that calls wait for their turn. */
async function full() {
  const { open, sftpServer, time, client } = await scriptedSftp()
  const session = await (await open()).session.current()
  sftpServer.answer = () => undefined
  const call = (type: 'STAT' | 'CLOSE', settings: CallSettings = {}) => {
    const request = type === 'STAT' ? { type, path: Buffer.from('/') } : { type, handle: Buffer.from('h') }
    return session.call({ what: { syscall: type.toLowerCase() }, request, result: () => {} }, settings)
  }
  const reader = { called: () => ({ syscall: 'read' }), answered: () => {}, failed: () => {} }
  const read = { type: 'READ', handle: Buffer.from('h'), offset: 0n, length: 32_768 } as const
  const first = time.outcome(call('STAT'))
  for (let asked = 0; asked < 1000; asked++) session.request(reader, read, { origin: new Error('called') })
  return { session, sftpServer, time, client, call, first, reader }
}

test('a call whose session ends as its wait for a turn reaches the limit fails with the session', async () => {
  const { session, sftpServer, time, call, first, reader } = await full()
  const waiting = time.failure(call('STAT'))
  time.after(10_000, () => sftpServer.reply(sftpServer.idOf('STAT'), ok))
  // Of what leaves before the call, so that the limit of both is reached at the same instant.
  reader.failed = () => void session.close()
  assert.equal((await first).status, 'fulfilled')
  const { error, tookMs } = await waiting
  assert.deepEqual([error.code, error.delivery], ['ERR_SSH_CLOSED', 'not-sent'])
  assert.ok(tookMs >= 25_000 && tookMs < 25_100, `${tookMs} ms`)
})

test('nothing waits on for a turn in a session that is closed as its call is aborted', async () => {
  const { session, time, client, call } = await full()
  const stop = new AbortController()
  const closing = time.failure(call('CLOSE', { signal: stop.signal, goesAnyway: true }))
  stop.abort()
  const closed = session.close()
  assert.equal((await closing).error.code, 'ERR_SSH_ABORTED')
  await time.value(closed)
  assert.equal(client.connection.waits.size, 0)
})
