import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { closed, echo, tcpServer } from '../../forward/local-servers.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { login } from '../../session/sshd.js'
import { row } from '../row.js'
import { untilNothingRuns } from './support/files.js'
import { boundMs, due, follow, keepalive, needs, scene, slackMs, vanish } from './support/scene.js'
import { callFrom } from './support/tunnels.js'
import { peerIsDead } from './support/verdict.js'

leavesNothing()

row({
  number: 57,
  failure: 'the path vanishes under a forward on the server',
  expected:
    'Ends its connections on this machine and says that it listens no more; once the server has noticed too, a new connection gets the same place again.',
  how: 'every packet is dropped, both ways, under a connection that came in by forwardRemote(); sshd with ClientAliveInterval 1, ClientAliveCountMax 3; then packets pass again',
  bound:
    'reported within 4 s of the last packet (1 s x 3); the place is free as soon as sshd has ended what was connected to it',
  code: 'ERR_SSH_PEER_DEAD',
  needs: needs('10'),
  async holdfast(t, watch) {
    const config = { ClientAliveInterval: 1, ClientAliveCountMax: 3 }
    const made = await scene(t, { version: '10', config })
    const { lab, server, gateway } = made
    const ssh = await login(t, server, { keepalive })
    follow(ssh, watch)
    const served: Socket[] = []
    const serve = (socket: Socket): void => {
      served.push(socket)
      echo(socket)
    }
    const to = { host: '127.0.0.1', port: await tcpServer(t, serve) }
    const forward = await ssh.forwardRemote({ to })
    const { port = 0 } = forward.address
    const caller = await callFrom(lab.server, port)
    assert.equal(await caller.says('here'), 'here')

    await vanish(made, watch, 'the path of the SSH connection vanishes')
    const since = performance.now()
    const target = served.map((socket) => closed(socket).then(() => performance.now() - since))
    const left = caller.ended.then(() => performance.now() - since)
    const reason = await peerIsDead(ssh, [ssh.forwardRemote({ to })], watch)
    assert.equal(await forward.closed, reason)
    assert.equal(target.length, 1)
    for (const ms of await Promise.all(target)) assertWithin(ms, due)
    assert.match(String(served[0]?.errored), /ECONNRESET/)
    assertWithin(await left, [boundMs - 1000, boundMs + slackMs])

    await gateway.heal()
    const again = await login(t, server, { keepalive })
    const anew = await again.forwardRemote({ listen: { port }, to })
    const other = await callFrom(lab.server, port)
    assert.equal(await other.says('here again'), 'here again')
    await anew.close()
    await other.ended
    await assert.rejects(callFrom(lab.server, port), /ECONNREFUSED/)
    await again.close()
    await untilNothingRuns(server)
  },
  peers: {
    ssh2: 'row 54 shows what it does with connections; when the place on the server is free again is the server’s to say',
    openssh:
      'row 54 shows what it does with connections; when the place on the server is free again is the server’s to say',
  },
})
