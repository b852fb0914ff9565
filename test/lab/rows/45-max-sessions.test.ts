import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Client, CommandError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const limitMs = 1500
/** Where a place is sure to come, all who wait for it get more time than a busy machine needs for those before them. */
const patient = { timeout: '30s' } as const

row({
  number: 45,
  failure: 'MaxSessions is reached, a session is refused',
  expected: 'Waits for a session to end, within the limit of the call; one that waits too long fails alone.',
  how: '`MaxSessions 1`, and one command that runs',
  bound: 'reported within 1.5 s (limit channelOpen, 15 s by default)',
  code: 'ERR_SSH_TIMEOUT',
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '9.2', config: { MaxSessions: 1, PermitTTY: 'no' } })
    const ssh = await login(t, server, { limits: { channelOpen: limitMs } })
    const first = await ssh.spawn('cat')
    watch.fault('a second command is called')
    const limited = failure(ssh.exec('true', { timeout: 500 }))
    const { error, tookMs } = await failure(ssh.exec('true'))
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'no place for a second session; the first lives' })
    assert.ok(error instanceof CommandError)
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs, error.remote],
      ['ERR_SSH_TIMEOUT', 'channelOpen', 'channelOpen', limitMs, 'not-started'],
    )
    assertWithin(tookMs, [limitMs, limitMs + 1500])
    const ofItsOwn = await limited
    assert.deepEqual(
      [ofItsOwn.error.code, ofItsOwn.error.phase, ofItsOwn.error.limit],
      ['ERR_SSH_TIMEOUT', 'command', 'timeout'],
    )
    assertWithin(ofItsOwn.tookMs, [500, 2000])

    const order: number[] = []
    const waiting = [1, 2, 3, 4, 5].map((number) => ssh.exec('sleep 0.1', patient).then(() => order.push(number)))
    first.stdin.end('all')
    assert.equal((await first.exited).exitCode, 0)
    await Promise.all(waiting)
    assert.deepEqual(order, [1, 2, 3, 4, 5])
    await refusedGivesItsPlace(ssh)
    assert.deepEqual(ssh.stats().sessions, { open: 0, waiting: 0, abandoned: [] })
  },
  peers: { ssh2: watchPeer, openssh: 'has one command a connection' },
})

/** sshd keeps the session of a program that it refused until the client closes it. */
async function refusedGivesItsPlace(ssh: Client): Promise<void> {
  for (const refused of [() => ssh.subsystem('no-such-subsystem', patient), () => ssh.shell(patient)]) {
    const { error, tookMs } = await failure(refused())
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_REQUEST_REFUSED', 'request'])
    assertWithin(tookMs, [0, 1500])
    assert.equal((await ssh.exec('true', patient)).exitCode, 0, 'no place for the next')
  }
}

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '9.2', config: { MaxSessions: 1 } })
  const peer = client.start(server, { job: 'exec', command: 'sleep 30' })
  await untilCommandRuns(server, 'sleep 30')
  watch.fault('a second command is called')
  peer.do({ step: 'exec', command: 'true' })
  noteSettled(watch, await peer.settled(20_000), 20_000)
}
