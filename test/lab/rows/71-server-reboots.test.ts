import assert from 'node:assert/strict'
import { CommandError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { signalIfAlive } from '../../servers/process-tree.js'
import { row } from '../row.js'
import { backWithinMs, noteBack, peers, reconnecting } from './support/reconnecting.js'
import { needs, scene } from './support/scene.js'

leavesNothing()

row({
  number: 71,
  failure: 'the server reboots under a client that reconnects',
  expected: 'Connects again as soon as sshd listens; what was called meanwhile is done then, and once.',
  how: 'every packet is dropped; sshd and all that it runs are killed and started again; then packets pass, and the kernel, which knows the flow no more, resets it',
  bound:
    'connected again within an interval (1 s), a delay of at most 1 s and a login, from when the server can be reached, which is away for less than the bound',
  code: 'ERR_SSH_CONNECTION_LOST for what was running; none for the client and what is called meanwhile',
  needs: needs('10'),
  async holdfast(t, watch) {
    const { lab, gateway, server } = await scene(t, { version: '10' })
    const { ssh, back } = await reconnecting(t, server, watch)
    const running = failure(ssh.exec('sleep 3000'))
    await ssh.exec('true')
    const processes = await server.processes()
    await gateway.drop({ direction: 'both' })
    watch.fault('the server goes down')
    for (const { pid } of processes) signalIfAlive(pid, 'SIGKILL')
    // To tidy up after it takes a busy machine longer than a reboot may last here.
    const tidied = server.stop()
    await lab.server.sshd({ version: '10', port: server.port })
    const connected = back()
    await gateway.heal()
    watch.event('the server is up again')
    const { error } = await running
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.code, error.delivery], ['ERR_SSH_CONNECTION_LOST', 'ran'])
    const calls = [ssh.exec('echo one'), ssh.exec('echo two')]
    const ms = await connected
    noteBack(watch, ms, 'the server was up again')
    // Until the next probe nothing is sent to be answered by a reset.
    assertWithin(ms, [0, 1000 + backWithinMs])
    assert.deepEqual(
      (await Promise.all(calls)).map(({ stdout }) => stdout),
      ['one\n', 'two\n'],
    )
    await tidied
  },
  peers,
})
