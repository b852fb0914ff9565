import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { decodeBareChannelMessage, decodeChannelOpen } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { commandRun, slackMs } from './support/scripted.js'

leavesNothing()

const silentLimitMs = 2000
const busyLimitMs = 500
/** The reply clock stands still under traffic, for ten limits in all. */
const patience = 10
const keepalive = { interval: 1000, countMax: 3 }
const fault = 'a channel is to be opened'

row({
  number: 19,
  failure: 'the opening of a channel is never answered',
  expected: 'That call alone fails, also while another channel is busy; a channel that opens too late is closed.',
  how: 'a server that passes over CHANNEL_OPEN and answers probes; another that does so while a command writes every 100 ms',
  bound: 'reported within 2 s (limit channelOpen); under traffic within ten limits',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    await Promise.all([inSilence(t, watch), underTraffic(t)])
  },
  peers: {
    ssh2: commandRun(fault, opensNothing),
    openssh: commandRun(fault, opensNothing),
  },
})

async function inSilence(t: TestContext, watch: Watch): Promise<void> {
  const server = await scriptedServer(t, opensNothing)
  const ssh = await client(t, server, { keepalive, limits: { channelOpen: silentLimitMs } })
  watch.fault(fault)
  const { error, tookMs } = await failure(ssh.exec('anything'))
  watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}` })
  assertUnanswered(error, silentLimitMs)
  assertWithin(tookMs, [silentLimitMs, silentLimitMs + slackMs])

  const connection = await server.connection()
  connection.behave()
  const { sender } = decodeChannelOpen(await connection.message(messageNumber.CHANNEL_OPEN))
  connection.peer.confirm(sender)
  const close = await connection.message(messageNumber.CHANNEL_CLOSE)
  assert.equal(decodeBareChannelMessage('CHANNEL_CLOSE', close), sender)
  assert.equal((await ssh.exec('anything')).exitCode, 0)
  assert.deepEqual([ssh.liveness.state, ssh.stats().channels], ['alive', []])
  await ssh.close()
  await connection.over
}

async function underTraffic(t: TestContext): Promise<void> {
  const server = await scriptedServer(t, writesOnFirstChannel)
  const ssh = await client(t, server, { keepalive, limits: { channelOpen: busyLimitMs } })
  const busy = await ssh.spawn('writes on and on')
  busy.stdout.resume()
  const connection = await server.connection()
  opensNothing(connection)
  const { error, tookMs } = await failure(ssh.exec('anything'))
  assertUnanswered(error, busyLimitMs)
  assertWithin(tookMs, [patience * busyLimitMs, patience * busyLimitMs + slackMs])
  assert.equal(busy.stdout.destroyed, false)
  await ssh.close()
  await connection.over
}

function assertUnanswered(error: Awaited<ReturnType<typeof failure>>['error'], limitMs: number): void {
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_TIMEOUT', 'channelOpen', 'channelOpen', limitMs],
  )
}

function opensNothing(connection: ScriptedConnection): void {
  connection.before = ([number]) => number === messageNumber.CHANNEL_OPEN
}

function writesOnFirstChannel(connection: ScriptedConnection): void {
  const { sessions } = connection
  sessions.requested = (_type, channel) => {
    connection.keepSending(100, () => sessions.stdout(channel, 'x'.repeat(100)))
  }
}
