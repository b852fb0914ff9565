import assert from 'node:assert/strict'
import type { Phase } from 'holdfast'
import { messageNumber } from '#src/wire/numbers.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type Script, scriptedServer } from '../scripted-server.js'
import { logins, refused, slackMs } from './support/scripted.js'

leavesNothing()

const fault = 'the server ends the stream'

/** After which message of ours the stream ends, and what we were at. */
const scenes: readonly (readonly [Script, Phase])[] = [
  [(connection) => connection.socket.end(), 'identification'],
  [endsAt(messageNumber.KEXINIT), 'keyExchange'],
  [endsAt(messageNumber.NEWKEYS), 'authentication'],
  [endsAt(messageNumber.SERVICE_REQUEST), 'authentication'],
  [endsAt(messageNumber.USERAUTH_REQUEST), 'authentication'],
]

row({
  number: 27,
  failure: 'the server ends the stream before the connection is ready',
  expected: 'The call that connects fails at once.',
  how: 'a server that closes TCP in order: at once, in the key exchange, and in the middle of authentication',
  bound: 'reported at once',
  code: 'ERR_SSH_CONNECTION_LOST',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    for (const [script, phase] of scenes) {
      const isLast = script === scenes.at(-1)?.[0]
      const server = await scriptedServer(t, script)
      if (isLast) watch.fault(fault)
      const { error, tookMs } = await refused(server, {})
      if (isLast) watch.outcome({ kind: 'reported', text: error.code })
      assert.deepEqual([error.code, error.phase], ['ERR_SSH_CONNECTION_LOST', phase])
      assertWithin(tookMs, [0, slackMs])
    }
  },
  peers: logins({ fault, script: endsAt(messageNumber.USERAUTH_REQUEST), limitMs: 10_000 }),
})

function endsAt(message: number): Script {
  return (connection) => {
    connection.before = ([number]) => {
      if (number === message) connection.socket.end()
      return number === message
    }
  }
}
