import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { CommandError, type ExecOptions } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, running, sshd } from '../../session/sshd.js'
import { type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const limitMs = 2000

/** Each with the others set as well, to times at which these would be wrong. */
const scenes: readonly (readonly [limit: string, command: string, options: ExecOptions])[] = [
  ['timeout', 'while :; do echo .; sleep 0.2; done', { timeout: limitMs, idleTimeout: 1900, firstByteTimeout: 1900 }],
  ['idleTimeout', 'echo begun; sleep 30000', { timeout: '1m', idleTimeout: limitMs, firstByteTimeout: 1900 }],
  ['firstByteTimeout', 'sleep 30000', { timeout: '1m', idleTimeout: '1m', firstByteTimeout: limitMs }],
]

row({
  number: 21,
  failure: 'a command runs for ever',
  expected: 'Has separate limits for the first byte, for silence and for the whole, and takes an AbortSignal.',
  how: '`sleep 30000`, with each limit, and with a signal',
  bound: 'reported at the limit that was given, and 3 s later at most if the command cannot be ended',
  code: 'ERR_SSH_TIMEOUT',
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '9.2' })
    const ssh = await login(t, server)
    watch.fault('the command is called')
    const reason = new Error('enough')
    const abort = new AbortController()
    const aborted = failure(ssh.exec('sleep 30000', { signal: abort.signal }))
    setTimeout(() => abort.abort(reason), limitMs)
    const limited = scenes.map(([, command, options]) => failure(ssh.exec(command, options)))
    for (const [index, { error, tookMs }] of (await Promise.all(limited)).entries()) {
      assert.ok(error instanceof CommandError)
      assert.deepEqual(
        [error.code, error.phase, error.limit, error.limitMs, error.remote],
        ['ERR_SSH_TIMEOUT', 'command', scenes[index]?.[0], limitMs, 'terminated'],
      )
      assertWithin(tookMs, [limitMs, limitMs + 1500])
      if (index === 0) watch.outcome({ kind: 'reported', ms: tookMs, text: 'and ended on the server' })
    }
    const { error, tookMs } = await aborted
    assert.ok(error instanceof CommandError)
    assert.deepEqual(
      [error.name, error.code, error.phase, error.cause, error.remote],
      ['AbortError', 'ERR_SSH_ABORTED', 'command', reason, 'terminated'],
    )
    assertWithin(tookMs, [limitMs, limitMs + 1500])
    assert.deepEqual(await running(server), [])
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

/** Neither has a limit of any kind for what a command does. */
async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '9.2' })
  watch.fault('the command is called')
  const peer = client.start(server, { job: 'exec', command: 'sleep 30000' })
  await untilCommandRuns(server, 'sleep 30000')
  const settled = await peer.settled(10_000)
  if (settled === 'never') watch.outcome({ kind: 'never', text: 'has no limit for commands: it runs on' })
  else watch.outcome({ kind: 'failed', ms: watch.since(settled.at), text: settled.text })
}
