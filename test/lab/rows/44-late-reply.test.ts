import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, DiagnosticsMessages } from 'holdfast'
import { proofRequest } from '#src/keys/host-key-rotation.js'
import { encodeBareChannelMessage } from '#src/wire/connection-messages.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { announce, answerOldest, heldNames, knownHostsFile, knows, secondKey } from './support/host-keys.js'
import { slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 500

row({
  number: 44,
  failure: 'a reply comes after its waiter gave up',
  expected: 'Its place in the line is kept for it: nobody else gets the late reply.',
  how: 'a server that answers a request for proofs of host keys, a probe and a command only after their callers gave up and another one asked',
  bound: 'each caller settles by its own limit or its own reply',
  code: 'ERR_SSH_PROBE_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t)
    const knownHosts = await knownHostsFile(t, server)
    const ssh = await client(t, server, {
      hostKey: { policy: 'strict', knownHosts: [knownHosts] },
      keepalive: { interval: '1m' },
      limits: { reply: limitMs },
    })
    const connection = await server.connection()
    // The probe that every connection begins with was answered. From here on all are of its kind, and in the same line.
    while (ssh.liveness.rttMs === null) await pause(10)
    await lateReplies(ssh, connection, () => watch.fault('the replies to the first two callers come'))
    watch.outcome({ kind: 'kept', text: 'the last caller got its own reply alone' })
    assert.equal(await knows(knownHosts, secondKey), false)
    await lateCommand(ssh, connection)
    assert.deepEqual([ssh.stats().surplus, ssh.stats().channels], [0, []])
    await ssh.close()
    await connection.over
  },
  peers: {
    ssh2: 'has no call that gives up waiting for a reply',
    openssh: 'has no wait for a reply that it gives up while the connection lives',
  },
})

/** Two callers give up, of which one asked for data, and a third waits for its reply. */
async function lateReplies(ssh: Client, connection: ScriptedConnection, fault: () => void): Promise<void> {
  connection.holdsReplies = true
  const proofs = givenUp(`the reply to the global request ${proofRequest}`)
  announce(connection)
  await connection.requests(1)
  const { error, tookMs } = await failure(ssh.keepalive.send({ timeout: limitMs }))
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_PROBE_TIMEOUT', 'ready', 'reply', limitMs],
  )
  assertWithin(tookMs, [limitMs, limitMs + slackMs])
  // By their own clock, which makes up for what kept this process busy since it began.
  assertWithin(await proofs, [limitMs, 2 * limitMs + slackMs])
  const last = ssh.keepalive.send({ timeout: '30s' })
  await connection.requests(3)
  assert.deepEqual(heldNames(connection), [proofRequest, 'keepalive@openssh.com', 'keepalive@openssh.com'])
  fault()
  answerOldest(connection)
  answerOldest(connection)
  assert.equal(await Promise.race([last, pause(limitMs, 'still waits')]), 'still waits')
  answerOldest(connection)
  assert.equal((await last).probe, 'global-request')
  connection.holdsReplies = false
}

/** Resolves when nobody waits for that any more: for how long somebody did, in milliseconds. */
function givenUp(what: string): Promise<number> {
  return new Promise((resolve) => {
    const note = (message: unknown): void => {
      const limit = message as DiagnosticsMessages['holdfast:limit']
      if (limit.what !== what) return
      unsubscribe('holdfast:limit', note)
      resolve(limit.elapsedMs)
    }
    subscribe('holdfast:limit', note)
  })
}

/** Its channel is closed here when the answer to its request comes. */
async function lateCommand(ssh: Client, connection: ScriptedConnection): Promise<void> {
  const { sessions, peer } = connection
  sessions.answersClose = false
  sessions.grant = () => undefined
  sessions.requested = () => {}
  const { error, tookMs } = await failure(ssh.exec('too late'))
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_TIMEOUT', 'request', 'reply', limitMs],
  )
  // The server may have started it, so it is ended as one that runs.
  assertWithin(tookMs, [limitMs, limitMs + 3000 + slackMs])
  const channel = sessions.requests.findLast(({ type }) => type === 'exec')?.recipient ?? 0
  peer.send(encodeBareChannelMessage('CHANNEL_SUCCESS', channel))
  sessions.stdout(channel, 'late output')
  connection.behave()
  const next = await ssh.exec('anything')
  assert.deepEqual([next.exitCode, next.stdout], [0, ''])
  sessions.answersClose = true
  sessions.finish(channel)
  await ssh.keepalive.send()
}
