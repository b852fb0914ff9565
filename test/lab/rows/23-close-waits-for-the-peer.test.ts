import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TestContext } from 'node:test'
import { CommandError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, running, sshd } from '../../session/sshd.js'
import { eventually } from '../../testing/support/eventually.js'
import { type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const timeout = 500
const sleepMs = 8000

row({
  number: 23,
  failure: 'the close of a channel waits for the peer’s CLOSE',
  expected:
    'Gives the channel up, says that the command may still run, and uses its number for no other until the CLOSE comes.',
  how: 'CLOSE during `sleep 8`, as root on sshd 9.2, which passes no signal on',
  bound: 'reported 3 s after the limit at most',
  code: 'ERR_SSH_TIMEOUT',
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '9.2' })
    const ssh = await login(t, server, { username: 'root' })
    const opened = channelsOpened(t)
    watch.fault('the command is called')
    const { error, tookMs } = await failure(ssh.exec(`sleep ${sleepMs / 1000}`, { timeout, secondSession: 'never' }))
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'the command was given up, and may still run' })
    assert.ok(error instanceof CommandError)
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.remote],
      ['ERR_SSH_TIMEOUT', 'command', 'timeout', 'abandoned'],
    )
    assertWithin(tookMs, [timeout, timeout + 3000 + 1500])
    assert.deepEqual(
      ssh.stats().channels.map(({ abandoned }) => abandoned),
      [true],
    )

    for (const count of [1, 2, 3, 4, 5]) assert.equal((await ssh.exec(`echo ${count}`)).stdout, `${count}\n`)
    const [given, ...later] = opened
    assert.ok(later.length === 5 && !later.includes(given ?? -1), `${given} was used again: ${later.join(', ')}`)
    await eventually('the CLOSE has come', () => ssh.stats().channels.length === 0)
    assert.deepEqual(await running(server), [])

    const second = await failure(ssh.exec('sleep 60', { timeout, secondSession: 'never' }))
    assert.deepEqual([second.error.code, second.error.phase], ['ERR_SSH_TIMEOUT', 'command'])
    assertWithin(second.tookMs, [timeout, timeout + 3000 + 1500])
    const since = performance.now()
    await ssh.close()
    assertWithin(performance.now() - since, [0, 2000 + 1500])
  },
  peers: {
    ssh2: watchPeer,
    openssh: 'has one channel, and closes it with the connection',
  },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '9.2' })
  const command = `sleep ${sleepMs / 1000}`
  const peer = client.start({ ...server, username: 'root' }, { job: 'exec', command })
  await untilCommandRuns(server, command)
  watch.fault('the command is called')
  peer.do({ step: 'close-channel' })
  const settled = await peer.settled(2 * sleepMs)
  if (settled === 'never') watch.outcome({ kind: 'never', text: 'the channel was never closed' })
  else
    watch.outcome({ kind: 'ended', ms: watch.since(settled.at), text: 'the close waited for the end of the command' })
}

function channelsOpened(t: TestContext): readonly number[] {
  const numbers: number[] = []
  const listens = (message: unknown) => {
    assert.ok(typeof message === 'object' && message !== null && 'event' in message && 'channel' in message)
    if (message.event === 'opened') numbers.push(Number(message.channel))
  }
  subscribe('holdfast:channel', listens)
  t.after(() => unsubscribe('holdfast:channel', listens))
  return numbers
}
