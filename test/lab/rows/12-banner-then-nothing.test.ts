import assert from 'node:assert/strict'
import { encodeIgnore } from '#src/wire/transport-messages.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { logins, refused, slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000

row({
  number: 12,
  failure: 'the server says who it is, and then nothing',
  expected: 'Gives the key exchange one deadline, which nothing that comes can put off.',
  how: 'a server that writes its identification only; another that goes on with IGNORE every 100 ms',
  bound: 'reported within 2 s (limit keyExchange)',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    for (const script of [stopsTalking, talksOfNothing]) {
      const server = await scriptedServer(t, script)
      if (script === stopsTalking) watch.fault('the server falls silent')
      const { error, tookMs } = await refused(server, { limits: { keyExchange: limitMs } })
      if (script === stopsTalking) watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}` })
      assert.deepEqual(
        [error.code, error.phase, error.limit, error.limitMs],
        ['ERR_SSH_TIMEOUT', 'keyExchange', 'keyExchange', limitMs],
      )
      assertWithin(tookMs, [limitMs, limitMs + slackMs])
    }
  },
  peers: logins({ fault: 'the server falls silent', script: stopsTalking, limitMs }),
})

function stopsTalking(connection: ScriptedConnection): void {
  connection.identifiesItself = false
  connection.peer.deaf = true
  connection.peer.sendRaw(Buffer.from('SSH-2.0-Scripted\r\n'))
}

function talksOfNothing(connection: ScriptedConnection): void {
  stopsTalking(connection)
  connection.keepSending(100, () => connection.peer.send(encodeIgnore(Buffer.alloc(8))))
}
