import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { isKexMethodNumber, messageNumber } from '#src/wire/numbers.js'
import { encodeIgnore } from '#src/wire/transport-messages.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, type Failure, failure } from '../../promises/support/outcome.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { nothingNeeded, type Script, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { slackMs, watchedMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
const fault = 'the server begins a key exchange and stops'

row({
  number: 32,
  failure: 'the server begins a new key exchange and stops',
  expected: 'Gives it up at a deadline, and sends nothing meanwhile that has no place in a key exchange.',
  how: 'a server that sends KEXINIT in the middle of a session and then nothing; another that goes on with IGNORE',
  bound: 'reported within 2 s (limit rekey)',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    await Promise.all([leftInSilence(t, watch), leftWithNoise(t)])
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function leftInSilence(t: TestContext, watch: Watch): Promise<void> {
  const { error } = await givenUp(t, (connection) => {
    beginAndStop(connection)
    watch.fault(fault)
  })
  watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}` })
}

async function leftWithNoise(t: TestContext): Promise<void> {
  await givenUp(t, (connection) => {
    beginAndStop(connection)
    connection.keepSending(100, () => connection.peer.send(encodeIgnore(Buffer.alloc(8))))
  })
}

async function givenUp(t: TestContext, leave: Script): Promise<Failure> {
  const server = await scriptedServer(t, runsForEver)
  const ssh = await client(t, server, { keepalive: { interval: 1000, countMax: 3 }, limits: { rekey: limitMs } })
  const command = await ssh.spawn('runs for ever')
  const connection = await server.connection()
  leave(connection)
  const failed = await failure(command.exited)
  const { error, tookMs } = failed
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_TIMEOUT', 'rekey', 'rekey', limitMs],
  )
  assertWithin(tookMs, [limitMs, limitMs + slackMs])
  assert.equal((await ssh.closed).limit, 'rekey')
  await connection.over
  assert.equal(connection.peer.complaint, undefined)
  const { heard } = connection.peer
  const since = heard.findLastIndex(([number]) => number === messageNumber.KEXINIT)
  const misplaced = heard.slice(since).filter(([number]) => !belongsInExchange(number ?? 0))
  assert.deepEqual(misplaced, [])
  return failed
}

async function watchPeer(t: TestContext, other: PeerClient, watch: Watch): Promise<void> {
  const server = await scriptedServer(t, runsForEver)
  const peer = other.start(server, { job: 'exec', command: 'runs for ever' })
  await peer.event('ready', 10_000)
  const connection = await server.connection()
  await connection.message(messageNumber.CHANNEL_REQUEST)
  beginAndStop(connection)
  watch.fault(fault)
  noteSettled(watch, await peer.settled(watchedMs), watchedMs)
}

/** RFC 4253 section 7.1. */
function belongsInExchange(number: number): boolean {
  return number === messageNumber.KEXINIT || number === messageNumber.IGNORE || isKexMethodNumber(number)
}

function beginAndStop(connection: ScriptedConnection): void {
  connection.peer.send(connection.peer.kexInit())
  connection.before = () => true
}

function runsForEver({ sessions }: ScriptedConnection): void {
  sessions.requested = () => {}
}
