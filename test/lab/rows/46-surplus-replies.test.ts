import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { encodeBareChannelMessage, encodeRequestFailure, encodeRequestSuccess } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { type PeerClient, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'

leavesNothing()

const rounds = 200
const repliesARound = 300
const replyBytes = 3000
const mebibyte = 2 ** 20
/** Replies that are kept would be 60 MB. */
const grownMax = 32 * mebibyte
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const fault = 'the flood begins'

row({
  number: 46,
  failure: 'a flood of replies that nobody asked for',
  expected: 'They are counted and dropped, memory stays flat, and everything else goes on.',
  how: 'a server that sends 60 000 replies to global and channel requests, as fast as they are read',
  bound: 'commands before, amid and after it end as ever',
  code: 'none: the connection lives',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t, runsOneForEver)
    const ssh = await client(t, server, { keepalive: { interval: '1m' } })
    const running = await ssh.spawn('runs for ever')
    running.exited.catch(() => {})
    const connection = await server.connection()
    const before = usedMemory()
    watch.fault(fault)
    const flooded = flood(connection)
    assert.equal((await ssh.exec('anything')).exitCode, 0)
    await flooded
    // Its end comes behind the flood.
    assert.equal((await ssh.exec('anything')).exitCode, 0)
    const grown = usedMemory() - before
    watch.outcome({ kind: 'kept', text: 'all counted and dropped; commands run' })
    assert.deepEqual([ssh.stats().surplus, ssh.liveness.state], [rounds * repliesARound, 'alive'])
    assert.ok(grown < grownMax, `grew by ${grown} bytes`)
    await ssh.close()
    await connection.over
  },
  peers: { ssh2: isFlooded, openssh: isFlooded },
})

async function isFlooded(t: TestContext, other: PeerClient, watch: Watch): Promise<void> {
  const server = await scriptedServer(t, runsOneForEver)
  const peer = other.start(server, { job: 'exec', command: 'runs for ever' })
  await peer.event('ready', 10_000)
  const connection = await server.connection()
  await connection.message(messageNumber.CHANNEL_REQUEST)
  watch.fault(fault)
  await Promise.race([flood(connection), connection.over])
  const settled = await peer.settled(5000)
  if (settled === 'never') watch.outcome({ kind: 'kept', text: 'the connection lives' })
  else watch.outcome({ kind: 'killed-wrongly', ms: watch.since(settled.at), text: settled.text })
}

/** Without what is only not collected yet. */
function usedMemory(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Resolves once the kernel has taken all of it. */
async function flood({ peer, sessions, socket }: ScriptedConnection): Promise<void> {
  const channel = sessions.requests[0]?.recipient ?? 0
  const replies = [
    encodeRequestSuccess(Buffer.alloc(replyBytes)),
    encodeRequestFailure(),
    encodeBareChannelMessage('CHANNEL_SUCCESS', channel),
  ]
  const round = Array.from({ length: repliesARound / replies.length }, () => replies).flat()
  for (let count = 0; count < rounds && !socket.destroyed; count++) {
    peer.send(...round)
    if (socket.writableNeedDrain) await once(socket, 'drain')
    // A kernel that takes all at once must not keep this process from its other connections.
    else await turn()
  }
}

function runsOneForEver({ sessions }: ScriptedConnection): void {
  const finishes = sessions.requested
  sessions.requested = (type, channel, data) => {
    if (!data.includes('runs for ever')) finishes(type, channel, data)
  }
}
