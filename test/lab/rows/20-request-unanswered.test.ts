import assert from 'node:assert/strict'
import { type Client, CommandError } from 'holdfast'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { commandRun, slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
const fault = 'a program is asked for'

row({
  number: 20,
  failure: 'the request for a command or subsystem is never answered',
  expected: 'That call alone fails, and its channel is closed.',
  how: 'a server that opens the channel, answers probes, and passes over the request for exec or subsystem; then one that refuses it, or the terminal',
  bound: 'reported within 5 s: 2 s (limit reply), and 3 s to end what the server may have started',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t, startsNothing)
    const keepalive = { interval: 1000, countMax: 3 }
    const ssh = await client(t, server, { keepalive, limits: { reply: limitMs } })
    watch.fault(fault)
    const failures = await Promise.all([failure(ssh.exec('anything')), failure(ssh.subsystem('sftp'))])
    const [{ error: first }] = failures
    watch.outcome({ kind: 'reported', text: `${first.code}, limit ${first.limit}` })
    for (const { error, tookMs } of failures) {
      assert.ok(error instanceof CommandError)
      assert.deepEqual(
        [error.code, error.phase, error.limit, error.limitMs, error.exitCode],
        ['ERR_SSH_TIMEOUT', 'request', 'reply', limitMs, null],
      )
      // The server may have started it, so it is ended as one that runs.
      assertWithin(tookMs, [limitMs, limitMs + 3000 + slackMs])
    }
    const connection = await server.connection()
    assert.equal(connection.sessions.closed.length, 2)
    await refusedPrograms(ssh, connection)
    connection.behave()
    assert.equal((await ssh.exec('anything')).exitCode, 0)
    assert.deepEqual([ssh.liveness.state, ssh.stats().channels], ['alive', []])
    await ssh.close()
    await connection.over
  },
  peers: {
    ssh2: commandRun(fault, startsNothing),
    openssh: commandRun(fault, startsNothing),
  },
})

function startsNothing({ sessions }: ScriptedConnection): void {
  sessions.grant = () => undefined
  sessions.requested = () => {}
}

/** Nothing was started, so nothing has to be ended: the channel must go all the same. */
async function refusedPrograms(ssh: Client, connection: ScriptedConnection): Promise<void> {
  const { sessions } = connection
  const closedBefore = sessions.closed.length
  sessions.grant = () => false
  const calls = [ssh.exec('anything'), ssh.subsystem('sftp'), ssh.spawn('anything', { pty: true })]
  for (const { error, tookMs } of await Promise.all(calls.map(failure))) {
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.code, error.phase, error.remote], ['ERR_SSH_REQUEST_REFUSED', 'request', 'not-started'])
    assertWithin(tookMs, [0, slackMs])
  }
  // Its answer comes behind whatever the server did about what was sent before.
  await ssh.keepalive.send()
  assert.equal(sessions.closed.length - closedBefore, calls.length)
}
