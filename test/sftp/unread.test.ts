import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestBatch } from '#src/sftp/request-batch.js'
import { scriptedSftp } from './scripted.js'

/** As dropbear's; what is written in one turn may be more. */
const window = 24 * 1024

/** A server that reads nothing more, and whose window has room for less than what is written next. */
async function frozen() {
  const world = await scriptedSftp()
  const { server, freeze, time } = world
  const confirm = server.confirm.bind(server)
  server.confirm = (recipient, options) => confirm(recipient, { ...options, window })
  const sftp = await world.open()
  freeze()
  await time.run(1000)
  return { client: world.client, sftp, time }
}

for (const when of ['at once', 'once a key exchange has ended'])
  test(`a server that reads nothing is told of at the limit where the requests of a turn exceed its window, ${when}`, async () => {
    const { client, sftp, time } = await frozen()
    if (when !== 'at once') client.connection.rekey().catch(() => {})
    const removals = Array.from({ length: 300 }, (_, index) => time.failure(sftp.unlink(`/${'x'.repeat(100)}${index}`)))
    for (const { error, tookMs } of await Promise.all(removals)) {
      assert.deepEqual([error.limit, error.delivery], ['sftp', 'unknown'])
      assert.ok(tookMs >= 15_000 && tookMs < 15_100, `${tookMs} ms`)
    }
  })

test('a server that reads nothing is told of at the limit where one request exceeds its window, and to calls behind it', async () => {
  const { sftp, time } = await frozen()
  const first = time.failure(sftp.stat(`/${'x'.repeat(window)}`))
  await time.run(5000)
  const later = time.failure(sftp.stat('/later'))
  for (const { tookMs } of await Promise.all([first, later]))
    assert.ok(tookMs >= 15_000 && tookMs < 15_100, `${tookMs} ms`)
})

test('of what waits for a server that reads nothing only what has not gone out is told of it', async (t) => {
  const { sftp, time } = await frozen()
  const { mock } = t.mock.method(RequestBatch.prototype, 'stuck')
  const asked = (count: number) =>
    Array.from({ length: count }, () => sftp.stat(`/${'x'.repeat(200)}`).then(undefined, () => 'failed'))
  const gone = asked(80)
  await time.run(100)
  assert.equal(mock.callCount(), 0)
  const behind = [asked(80)]
  await time.run(100)
  const stuck = mock.callCount()
  assert.ok(stuck > 0 && stuck <= 80, `${stuck} told`)
  behind.push(asked(80))
  await time.run(100)
  assert.ok(mock.callCount() <= 160, `${mock.callCount()} told`)
  await time.value(Promise.all([gone, ...behind].flat()))
})
