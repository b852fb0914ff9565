import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeChannelOpen, decodeChannelRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { lab, type PeerClient, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'

leavesNothing()

const keepalive = { interval: 1000, countMax: 3 }
/** Twice the bound of a peer that answers. */
const idleMs = lab.full ? 20_000 : 8000
const fault = 'the connection falls idle'

row({
  number: 41,
  failure: 'the server answers no keepalive of any kind',
  expected: 'It is not cut for silence alone as long as it answers anything else, and that is remembered of the host.',
  how: 'a server that passes over global requests, PING, keepalive requests and channels of unknown types, and runs commands',
  bound: 'never cut: a bound of silence no longer holds once it has answered a key exchange alone',
  code: 'none: the connection lives',
  scripted: true,
  needs: nothingNeeded,
  scale: { short: 'idle for 8 s', full: 'idle for 20 s' },
  async holdfast(t, watch) {
    const server = await scriptedServer(t, answersNoKeepalive)
    const ssh = await client(t, server, { keepalive })
    ssh.on('liveness', ({ to }) => watch.event(to))
    watch.fault(fault)
    await Promise.race([pause(idleMs), ssh.closed])
    assert.equal((await ssh.exec('anything')).exitCode, 0)
    watch.outcome({ kind: 'kept', text: 'idle, then a command: it runs' })
    assert.deepEqual([ssh.liveness.state, ssh.liveness.bound], ['alive', null])
    const first = await server.connection()
    const asked = questions(first)
    await ssh.close()
    await first.over

    // What was learnt of the host holds for the next connection.
    const again = await client(t, server, { keepalive })
    await Promise.race([pause(idleMs), again.closed])
    assert.equal((await again.exec('anything')).exitCode, 0)
    assert.deepEqual([again.liveness.state, again.liveness.bound], ['alive', null])
    const second = await server.connection()
    assert.notEqual(second, first)
    assert.ok(questions(second) < asked, `asked ${questions(second)} times, at first ${asked}`)
    await again.close()
    await second.over
  },
  peers: { ssh2: staysIdle, openssh: staysIdle },
})

async function staysIdle(t: TestContext, other: PeerClient, watch: Watch): Promise<void> {
  const server = await scriptedServer(t, answersNoKeepalive)
  const peer = other.start(server, { job: 'idle' })
  await peer.event('ready', 10_000)
  watch.fault(fault)
  const settled = await peer.settled(idleMs)
  if (settled === 'never') watch.outcome({ kind: 'kept', text: 'idle' })
  else watch.outcome({ kind: 'killed-wrongly', ms: watch.since(settled.at), text: settled.text })
}

function answersNoKeepalive(connection: ScriptedConnection): void {
  connection.before = isKeepalive
}

function isKeepalive(payload: Buffer): boolean {
  switch (payload.readUInt8(0)) {
    case messageNumber.GLOBAL_REQUEST:
    case messageNumber.PING:
      return true
    case messageNumber.CHANNEL_OPEN:
      return decodeChannelOpen(payload).type !== 'session'
    case messageNumber.CHANNEL_REQUEST:
      return decodeChannelRequest(payload).type === 'keepalive@openssh.com'
    default:
      return false
  }
}

/** How often it was asked whether it lives. */
function questions({ peer }: ScriptedConnection): number {
  return peer.heard.filter(isKeepalive).length
}
