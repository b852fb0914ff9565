import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { logins, refused, slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
/** What may come before the identification, and what the kernels of both ends keep beside it. */
const floodMaxBytes = 20 * 2 ** 20

row({
  number: 11,
  failure: 'endless lines before the identification',
  expected: 'Gives up at a deadline over all of them, and at once where they are too many.',
  how: 'a server that writes a line every 100 ms and never says who it is; another that writes as fast as it can',
  bound: 'reported within 2 s (limit identification); a flood at once, with ERR_SSH_IDENTIFICATION',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const slow = await scriptedServer(t, trickle)
    watch.fault('the first line comes')
    const { error, tookMs } = await refused(slow, { limits: { identification: limitMs } })
    watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}` })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs],
      ['ERR_SSH_TIMEOUT', 'identification', 'identification', limitMs],
    )
    assertWithin(tookMs, [limitMs, limitMs + slackMs])

    const quick = await scriptedServer(t, flood)
    const drowned = await refused(quick, { limits: { identification: '1m' } })
    assert.deepEqual([drowned.error.code, drowned.error.phase], ['ERR_SSH_IDENTIFICATION', 'identification'])
    assertWithin(drowned.tookMs, [0, slackMs])
    assert.ok((await quick.connection()).socket.bytesWritten < floodMaxBytes)
  },
  peers: logins({ fault: 'the first line comes', script: trickle, limitMs }),
})

function trickle(connection: ScriptedConnection): void {
  connection.identifiesItself = false
  connection.keepSending(100, () => connection.peer.sendRaw(Buffer.from('still busy\r\n')))
}

function flood(connection: ScriptedConnection): void {
  connection.identifiesItself = false
  const { socket } = connection
  const lines = Buffer.from('noise\r\n'.repeat(2000))
  const more = (): void => {
    while (socket.writable && socket.write(lines));
  }
  socket.on('drain', more)
  more()
}
