import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { pendingOn } from '../../promises/support/pending.js'
import { login } from '../../session/sshd.js'
import { row, type Watch } from '../row.js'
import { follow, keepalive, needs, type Scene, scene, slackMs } from './support/scene.js'
import { allFail } from './support/verdict.js'
import { whoReports } from './support/watched.js'

leavesNothing()

const code = 'ERR_SSH_CONNECTION_LOST'

row({
  number: 35,
  failure: 'the connection is reset',
  expected: 'Tells at once everything that waits, with what the system said, and throws nothing past the program.',
  how: '`ss -K` on the server, whose kernel resets the connection, under commands, a write and a shell',
  bound: 'reported at once',
  code,
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const made = await scene(t, { version: '9.2' })
    const ssh = await login(t, made.server, { keepalive })
    follow(ssh, watch)
    const pending = pendingOn(ssh, await ssh.spawn('sleep 3000'))
    await ssh.exec('true')
    const failed = allFail(ssh, pending, { code, within: [0, slackMs], watch })
    await reset(made, watch)
    const { cause } = await failed
    assert.ok(cause instanceof Error && 'code' in cause)
    assert.equal(cause.code, 'ECONNRESET')
  },
  peers: whoReports({ sshd: { version: '9.2' }, job: { job: 'exec', command: 'sleep 3000' }, fault: reset }),
})

async function reset({ lab }: Scene, watch: Watch): Promise<void> {
  watch.fault('the connection is reset')
  await lab.server.run(['ss', '-tK', 'state', 'established'])
}
