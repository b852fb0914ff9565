import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { row } from '../row.js'
import { peers, reconnecting } from './support/reconnecting.js'
import { needs, scene, slackMs } from './support/scene.js'

leavesNothing()

row({
  number: 74,
  failure: 'the host that comes back has another key',
  expected: 'Stops at once, before a credential is sent, and tells everything that waits.',
  how: 'sshd is stopped, and started with another host key at the same address, under a client with `reconnect`',
  bound: 'reported at the first attempt that reaches it: a delay of at most 1 s, and a key exchange',
  code: 'ERR_SSH_HOST_KEY_REJECTED',
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { lab, server } = await scene(t, { version: '9.2', hostKeys: ['ed25519'] })
    const { ed25519 } = server.hostKeys
    const hostKey = { fingerprints: [ed25519.fingerprint] }
    const { ssh, attempts } = await reconnecting(t, server, watch, { hostKey })
    watch.fault('the host is set up anew')
    await server.stop()
    await new Promise((resolve) =>
      ssh.state === 'reconnecting' ? resolve(undefined) : ssh.once('reconnecting', resolve),
    )
    const call = failure(ssh.exec('true'))
    const impostor = await lab.server.sshd({ version: '9.2', hostKeys: ['ecdsa'], port: server.port })
    const since = performance.now()
    const cause = await ssh.closed
    const ms = performance.now() - since
    watch.outcome({ kind: 'reported', ms, text: cause.code })
    assert.deepEqual([cause.code, cause.phase], ['ERR_SSH_HOST_KEY_REJECTED', 'hostKey'])
    assertWithin(ms, [0, 1000 + slackMs])
    assert.equal((await call).error.code, 'ERR_SSH_HOST_KEY_REJECTED')
    const { length } = attempts
    await pause(2000)
    assert.equal(attempts.length, length)
    assert.doesNotMatch(impostor.log(), /Accepted|Failed (publickey|password)/)
    assert.deepEqual(await socketsTo(server.port, server.host), [])
  },
  peers,
})
