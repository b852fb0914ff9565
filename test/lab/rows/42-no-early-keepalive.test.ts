import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { encodeUserauthSuccess } from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import type { PeerSettings } from '../peers/peer.js'
import { type PeerClient, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { slackMs } from './support/scripted.js'

leavesNothing()

/** Several intervals of the keepalive, and less than any limit of authentication. */
const decidesAfterMs = 5000
const fault = 'the user is to be authenticated'
const offersPing = { extensions: new Map([['ping@openssh.com', Buffer.from('0')]]) }

row({
  number: 42,
  failure: 'the server breaks on a keepalive before authentication has ended',
  expected: 'Sends none before that, however long the server takes to decide.',
  how: 'a server that decides on the user after 5 s, and resets the connection at a request, PING, IGNORE or channel until then; ssh(1) with ServerAliveCountMax 10, which bounds the login too',
  bound: 'connected when the server has decided',
  code: 'none: the connection is made',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t, breaksOnKeepalive, offersPing)
    watch.fault(fault)
    const since = performance.now()
    const ssh = await client(t, server, { keepalive: { interval: 1000, countMax: 3 } })
    assertWithin(performance.now() - since, [decidesAfterMs, decidesAfterMs + slackMs])
    watch.outcome({ kind: 'kept', text: 'connected once the server had decided' })
    const connection = await server.connection()
    // The first question goes out right then.
    await connection.message(messageNumber.PING)
    assert.equal((await ssh.exec('anything')).exitCode, 0)
    await ssh.close()
    await connection.over
    assert.equal(connection.endedBy, 'FIN')
  },
  peers: { ssh2: logsIn, openssh: logsIn },
})

/** By its options ssh(1) gives a server interval x count to decide, keepalive or not: at the pace of the lab, 3 s. */
const patient: Readonly<Record<string, PeerSettings>> = { OpenSSH: { ServerAliveCountMax: 10 } }

async function logsIn(t: TestContext, other: PeerClient, watch: Watch): Promise<void> {
  const server = await scriptedServer(t, breaksOnKeepalive, offersPing)
  const peer = other.start(server, { job: 'idle' }, patient[other.name])
  await server.connection()
  watch.fault(fault)
  const settled = await peer.settled(decidesAfterMs + slackMs)
  const ready = peer.events.find(({ event }) => event === 'ready')
  if (ready !== undefined) {
    watch.outcome({ kind: 'kept', ms: watch.since(ready.at), text: 'connected once the server had decided' })
  } else if (settled !== 'never') {
    watch.outcome({ kind: 'killed-wrongly', ms: watch.since(settled.at), text: settled.text })
  } else {
    watch.outcome({ kind: 'never', text: 'not connected' })
  }
}

function breaksOnKeepalive(connection: ScriptedConnection): void {
  const { peer, socket } = connection
  let deciding: NodeJS.Timeout | undefined
  const decide = (): void => {
    connection.behave()
    peer.send(encodeUserauthSuccess())
  }
  void connection.over.then(() => clearTimeout(deciding))
  connection.before = ([number = 0]) => {
    if (number === messageNumber.USERAUTH_REQUEST) deciding ??= setTimeout(decide, decidesAfterMs)
    else if (number > messageNumber.USERAUTH_REQUEST || number === messageNumber.IGNORE) socket.resetAndDestroy()
    else return false
    return true
  }
}
