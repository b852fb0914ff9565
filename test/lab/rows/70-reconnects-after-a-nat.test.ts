import assert from 'node:assert/strict'
import { CommandError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { row } from '../row.js'
import { backWithinMs, noteBack, peers, reconnecting } from './support/reconnecting.js'
import { boundMs, due, needs, scene } from './support/scene.js'

leavesNothing()

row({
  number: 70,
  failure: 'a NAT restarts under a client that reconnects',
  expected:
    'Connects again once the verdict is there, with the same client; says of the command that was running that it ran.',
  how: 'conntrack -F under a command, a client with `reconnect`',
  bound: 'connected again within 4 s of the last packet (1 s x 3), a delay of at most 1 s, and a login',
  code: 'ERR_SSH_PEER_DEAD for the command; none for the client',
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { gateway, server } = await scene(t, { version: '9.2' })
    const { ssh, attempts, back } = await reconnecting(t, server, watch)
    const running = failure(ssh.exec('sleep 3000'))
    await ssh.exec('true')
    const connected = back()
    await gateway.forget()
    watch.fault('every flow is forgotten')
    const { error, tookMs } = await running
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.code, error.delivery], ['ERR_SSH_PEER_DEAD', 'ran'])
    assertWithin(tookMs, [due[0], due[1]])
    const ms = await connected
    noteBack(watch, ms, 'every flow was forgotten')
    assertWithin(ms, [due[0], boundMs + backWithinMs])
    assert.equal(attempts.length, 1)
    assert.equal((await ssh.exec('echo again')).stdout, 'again\n')
    assert.equal((await socketsTo(server.port, server.host)).length, 1)
  },
  peers,
})
