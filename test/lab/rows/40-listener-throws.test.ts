import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { startScript } from '../../promises/support/script.js'
import { signalConnections } from '../../promises/support/signals.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { prepareSshd } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import { row } from '../row.js'

leavesNothing()

row({
  number: 40,
  failure: 'a listener of the program throws during teardown',
  expected: 'Settles everything first; what was thrown surfaces as an uncaught exception, and the process can end.',
  how: 'listeners of `close`, `liveness`, `data` and `error` that throw; SIGSTOP, or SIGKILL, to the sshd of the session',
  bound: 'as without them: a dead peer within 4 s (1 s x 3), a killed one at once',
  code: 'ERR_SSH_PEER_DEAD, ERR_SSH_CONNECTION_LOST',
  needs: () => prepareSshd('9.2'),
  async holdfast(t, watch) {
    const stopped = await sshd(t, { version: '9.2' })
    const killed = await sshd(t, { version: '9.2' })
    const ofStopped = startScript('throwing-listeners', `${stopped.port}`, stopped.username, stopped.password)
    const ofKilled = startScript('throwing-listeners', `${killed.port}`, killed.username, killed.password)
    assert.deepEqual([await ofStopped.line(), await ofKilled.line()], ['ready', 'ready'])
    watch.fault('the sshd is stopped, or killed')
    const since = performance.now()
    await Promise.all([signalConnections(stopped, 'SIGSTOP'), signalConnections(killed, 'SIGKILL')])
    // To find the processes takes a busy machine longer than the client may take.
    const signalledAt = performance.now()
    const common = { stdout: 'still here\n', outcomes: Array.from({ length: 4 }, () => 'rejected') }
    assert.deepEqual(JSON.parse(await ofKilled.line()), {
      ...common,
      reason: ['ERR_SSH_CONNECTION_LOST', 'ready'],
      uncaught: ['in close', 'in data', 'in error'],
    })
    assertWithin(performance.now() - signalledAt, [0, 1500])
    assert.deepEqual(JSON.parse(await ofStopped.line()), {
      ...common,
      reason: ['ERR_SSH_PEER_DEAD', 'ready'],
      uncaught: ['in close', 'in data', 'in error', 'in liveness'],
    })
    const endedAt = performance.now()
    const tookMs = endedAt - since
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'everything settled, and what was thrown surfaced' })
    assert.ok(tookMs >= 2900, `${tookMs} ms`)
    assertWithin(endedAt - signalledAt, [0, 4000 + 1500])
    for (const script of [ofStopped, ofKilled]) {
      const { code, stderr } = await script.ended
      assert.equal(code, 0, stderr)
    }
    assert.deepEqual([await socketsTo(stopped.port), await socketsTo(killed.port)], [[], []])
  },
  peers: {
    ssh2: 'not run: the listeners are written for the API that they try',
    openssh: 'is a program, and no library',
  },
})
