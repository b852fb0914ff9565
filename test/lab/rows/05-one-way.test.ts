import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { leavesNothing } from '../../promises/support/leaks.js'
import { login } from '../../session/sshd.js'
import { row, type Watch } from '../row.js'
import { boundMs, due, follow, intervalMs, keepalive, needs, type Scene, scene, slackMs } from './support/scene.js'
import { allFail } from './support/verdict.js'
import { whoReports } from './support/watched.js'

leavesNothing()

const command = 'while :; do echo x; sleep 0.1; done'
/** docs/liveness.md: (countMax + 3) x interval. */
const boundOneWay = 6 * intervalMs
const code = 'ERR_SSH_PEER_DEAD'

row({
  number: 5,
  failure: 'packets are lost in one direction only',
  expected: 'Bounds the age of the oldest question too, so that what still comes in does not hide the loss.',
  how: 'every packet to the server is dropped, under a command that prints ten lines a second; and the other way round',
  bound: 'reported within 6 s: (countMax + 3) x interval',
  code,
  needs: needs('10'),
  async holdfast(t, watch) {
    await Promise.all([unheard(t, watch), silenced(t)])
  },
  peers: whoReports({ sshd: { version: '10' }, job: { job: 'exec', command }, fault: deafen }),
})

/** The server's kernel repeats what is not acknowledged to it: soon nothing new comes. */
async function unheard(t: TestContext, watch: Watch): Promise<void> {
  const made = await scene(t, { version: '10' })
  const ssh = await login(t, made.server, { keepalive })
  follow(ssh, watch)
  const chatter = await ssh.spawn(command)
  await once(chatter.stdout.resume(), 'data')
  await deafen(made, watch)
  const within = [boundMs - intervalMs - 100, boundOneWay + slackMs] as const
  await allFail(ssh, [chatter.exited, ssh.exec('true')], { code, within, watch })
}

async function silenced(t: TestContext): Promise<void> {
  const { gateway, server } = await scene(t, { version: '10' })
  const ssh = await login(t, server, { keepalive })
  const { stdin, exited } = await ssh.spawn('cat')
  const writing = setInterval(() => stdin.write('x'), 100)
  t.after(() => clearInterval(writing))
  await gateway.drop({ direction: 'to-client' })
  await allFail(ssh, [exited, ssh.exec('true')], { code, within: due })
}

async function deafen({ gateway }: Scene, watch: Watch): Promise<void> {
  await gateway.drop({ direction: 'to-server' })
  watch.fault('every packet to the server is dropped')
}
