import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { encodeBareChannelMessage, encodeRequestFailure } from '#src/wire/connection-messages.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { row } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { slackMs } from './support/scripted.js'

leavesNothing()

const limitMs = 500

row({
  number: 44,
  failure: 'a reply comes after its waiter gave up',
  expected: 'Its place in the line is kept for it: nobody else gets the late reply.',
  how: 'a server that answers a probe only after its caller gave up and another one asked; the same with a command',
  bound: 'each caller settles by its own limit or its own reply',
  code: 'ERR_SSH_PROBE_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t)
    const ssh = await client(t, server, { keepalive: { interval: '1m' }, limits: { reply: limitMs } })
    const connection = await server.connection()
    await ssh.keepalive.send()
    await lateProbe(ssh, connection, () => watch.fault('the reply to the first caller comes'))
    watch.outcome({ kind: 'kept', text: 'the second caller got its own reply alone' })
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

async function lateProbe(ssh: Client, connection: ScriptedConnection, fault: () => void): Promise<void> {
  connection.holdsReplies = true
  const { error, tookMs } = await failure(ssh.keepalive.send({ timeout: limitMs }))
  assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_PROBE_TIMEOUT', 'reply', limitMs])
  assertWithin(tookMs, [limitMs, limitMs + slackMs])
  const second = ssh.keepalive.send({ timeout: '30s' })
  await connection.requests(2)
  fault()
  connection.peer.send(encodeRequestFailure())
  assert.equal(await Promise.race([second, pause(limitMs, 'still waits')]), 'still waits')
  connection.peer.send(encodeRequestFailure())
  assert.equal((await second).probe, 'global-request')
  connection.holdsReplies = false
}

/** Its channel is closed here when the answer to its request comes. */
async function lateCommand(ssh: Client, connection: ScriptedConnection): Promise<void> {
  const { sessions, peer } = connection
  sessions.answersClose = false
  sessions.grant = () => undefined
  sessions.requested = () => {}
  const { error } = await failure(ssh.exec('too late'))
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'reply'])
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
