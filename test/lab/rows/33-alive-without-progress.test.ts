import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { encodeGlobalRequest } from '#src/wire/connection-messages.js'
import { encodeIgnore } from '#src/wire/transport-messages.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, type Failure, failure } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type Script, scriptedServer } from '../scripted-server.js'
import { commandRun, slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
/** How long ending the command may take after that. */
const endingMs = 3000
const fault = 'the command is started, and says nothing'
const silent = 'says nothing'

row({
  number: 33,
  failure: 'nothing comes but IGNORE, or keepalives',
  expected: 'The connection is alive and stays; the command that shows no progress is ended by its own limit.',
  how: 'a server that starts the command, and sends IGNORE, or keepalive requests, every 100 ms for ever',
  bound: 'reported 2 s after the last sign of the command (idleTimeout), and 3 s to end it',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    watch.fault(fault)
    const [{ error }] = await Promise.all([
      underNoise(t, encodeIgnore(Buffer.alloc(8))),
      underNoise(t, encodeGlobalRequest('keepalive@openssh.com', true)),
    ])
    watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}; the connection lives` })
  },
  peers: {
    ssh2: commandRun(fault, makes(encodeIgnore(Buffer.alloc(8))), silent),
    openssh: commandRun(fault, makes(encodeIgnore(Buffer.alloc(8))), silent),
  },
})

async function underNoise(t: TestContext, noise: Buffer): Promise<Failure> {
  const server = await scriptedServer(t, makes(noise))
  const ssh = await client(t, server, { keepalive: { interval: 1000, countMax: 3 } })
  const failed = await failure(ssh.exec(silent, { idleTimeout: limitMs }))
  const { error, tookMs } = failed
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_TIMEOUT', 'command', 'idleTimeout', limitMs],
  )
  assertWithin(tookMs, [limitMs, limitMs + endingMs + slackMs])
  assert.deepEqual([ssh.liveness.state, ssh.stats().channels], ['alive', []])
  assert.equal((await ssh.exec('anything')).exitCode, 0)
  await ssh.close()
  await (await server.connection()).over
  return failed
}

/** From the command on: before the login is over nothing but IGNORE may come. */
function makes(noise: Buffer): Script {
  return (connection) => {
    const { peer, sessions } = connection
    const finishes = sessions.requested
    sessions.requested = (type, channel, data) => {
      if (type !== 'exec' || !data.includes(silent)) return finishes(type, channel, data)
      connection.keepSending(100, () => {
        if (peer.isFree) peer.send(noise)
      })
    }
  }
}
