import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { leavesNothing } from '../promises/support/leaks.js'
import { gives, world } from './peer.js'

leavesNothing()

test('a file as it comes, and nothing is asked for that nobody reads', async (t) => {
  const { ssh, commands } = await world(t, gives('C0644 6 file\n', 'abc', 'def\0'))
  const file = await ssh.scp.read('dir/file')
  assert.deepEqual(commands, ['scp -f dir/file'])
  assert.equal(await text(file), 'abcdef')
  assert.equal(file.errored, null)
  const empty = await world(t, gives('C0644 0 file\n\0'))
  assert.equal(await text(await empty.ssh.scp.read('file')), '')
})

for (const hasBegun of [false, true]) {
  test(`a stream that is destroyed ${hasBegun ? 'in the midst' : 'before anybody reads'} ends its scp`, async (t) => {
    const signals: unknown[] = []
    const { ssh } = await world(t, async (peer) => {
      await peer.hear(1)
      await peer.say('C0644 60 file\nabc')
      const end = await peer.frozen()
      signals.push(end)
      return end
    })
    const file = await ssh.scp.read('file')
    if (hasBegun) {
      file.on('readable', () => void file.read())
      await once(file, 'readable')
    }
    file.destroy()
    await once(file, 'close')
    assert.deepEqual(signals, [{ signal: 'TERM' }])
    assert.equal(ssh.stats().sessions.open, 0)
    assert.ok((await ssh.keepalive.send()).rttMs >= 0)
  })
}

test('the loss of the connection fails it', async (t) => {
  const { ssh } = await world(t, async (peer) => {
    await peer.hear(1)
    await peer.say('C0644 60 file\nabc')
    return peer.frozen()
  })
  const file = await ssh.scp.read('file')
  const failed = assert.rejects(text(file), { code: 'ERR_SSH_CLOSED' })
  await ssh.close()
  await failed
})

test('an abort ends it', async (t) => {
  const { ssh } = await world(t, async (peer) => {
    await peer.hear(1)
    await peer.say('C0644 60 file\nabc')
    return peer.frozen()
  })
  const given = new AbortController()
  const file = await ssh.scp.read('file', { signal: given.signal })
  const failed = assert.rejects(text(file), { code: 'ERR_SSH_ABORTED' })
  given.abort()
  await failed
  assert.equal(ssh.stats().sessions.open, 0)
  await assert.rejects(ssh.scp.read('file', { signal: given.signal }), { code: 'ERR_SSH_ABORTED' })
})
