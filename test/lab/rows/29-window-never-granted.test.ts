import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { CommandError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { written } from '../../promises/support/pending.js'
import { signalConnections } from '../../promises/support/signals.js'
import { untilCommandIsGone, untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const stallMs = 2000
const interval = 1000
const boundMs = 4 * interval
const input = Buffer.alloc(3_000_000)

row({
  number: 29,
  failure: 'the command never reads: the peer grants no more window',
  expected: 'Shows it; ends the command where a limit says so; and a verdict on the peer does not wait for the write.',
  how: '`sleep 60` with 3 MB of input; then SIGSTOP to its sshd',
  bound: 'reported at `stdinStall`, if that is given; a dead peer within 4 s (1 s x 3)',
  code: 'ERR_SSH_STDIN_STALLED',
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    const ssh = await login(t, server, { keepalive: { interval, countMax: 3 } })
    const patient = await ssh.spawn('sleep 60')
    const writing = failure(written(patient, input))
    const exited = failure(patient.exited)
    watch.fault('the command is given 3 MB and reads nothing')
    const { error, tookMs } = await failure(ssh.exec('sleep 61', { stdin: input, stdinStall: stallMs }))
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'its input is stalled; ended on the server' })
    assert.ok(error instanceof CommandError)
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs, error.remote],
      ['ERR_SSH_STDIN_STALLED', 'command', 'stdinStall', stallMs, 'terminated'],
    )
    assertWithin(tookMs, [stallMs, stallMs + 1500])
    await untilCommandIsGone(server, 'sleep 61')

    await pause(boundMs)
    assert.equal(ssh.liveness.state, 'alive')
    const [stalled] = ssh.stats().channels
    assert.equal(stalled?.sendWindow, 0)
    assert.ok(stalled.unsentBytes > 500_000, `${stalled.unsentBytes} bytes wait`)

    const since = performance.now()
    await signalConnections(server, 'SIGSTOP')
    // A busy machine takes up to two seconds to find the process, and only then it is stopped.
    const stoppedAt = performance.now()
    const reason = await ssh.closed
    const endedAt = performance.now()
    assert.deepEqual([reason.code, reason.phase], ['ERR_SSH_PEER_DEAD', 'ready'])
    assert.ok(endedAt - since >= boundMs - interval - 100, `${endedAt - since} ms`)
    assertWithin(endedAt - stoppedAt, [0, boundMs + 1500])
    assert.equal((await exited).error.cause, reason)
    assert.equal((await writing).error, reason)
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

/** Neither has a limit for this. */
async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '10' })
  const peer = client.start(server, { job: 'exec', command: 'sleep 60', stdin: input.length })
  await untilCommandRuns(server, 'sleep 60')
  watch.fault('the command is given 3 MB and reads nothing')
  const settled = await peer.settled(10_000)
  if (settled === 'never') watch.outcome({ kind: 'never', text: 'has no limit for input: it waits on' })
  else watch.outcome({ kind: 'failed', ms: watch.since(settled.at), text: settled.text })
}
