import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { everyAvailability } from '../../servers/availability.js'
import { prepareDropbear, startDropbear } from '../../servers/dropbear.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const keepalive = { interval: '1s', countMax: 3 }
/** Longer than the bound of the keepalive. */
const unreadMs = 6000
const size = 9_000_000

row({
  number: 30,
  failure: 'the program does not read the error output',
  expected: 'Holds the command back by its window and nothing else: other commands, probes and the connection go on.',
  how: '`head -c 9M /dev/zero >&2`, whose stderr is left unread for 6 s',
  bound: 'nothing is ended; the command goes on when it is read',
  code: 'none: the command ends well',
  needs: () => everyAvailability([prepareSshd('9.2'), prepareDropbear('2022.83')]),
  async holdfast(t, watch) {
    const dropbear = await startDropbear({ version: '2022.83' })
    t.after(() => dropbear.stop())
    const clients = [
      await login(t, await sshd(t, { version: '9.2' }), { keepalive }),
      await login(t, dropbear, { keepalive }),
    ]
    watch.fault('9 MB of error output come, and nobody reads them')
    await Promise.all(clients.map(leavesUnread))
    watch.outcome({ kind: 'kept', text: 'all else went on, and no byte was lost' })
  },
  peers: {
    ssh2: watchPeer,
    openssh: 'has one command a connection, and writes its error output to its own',
  },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '9.2' })
  const command = `head -c ${size} /dev/zero >&2; echo done`
  const peer = client.start(server, { job: 'exec', command, unread: true })
  await peer.event('callback', 10_000)
  watch.fault('9 MB of error output come, and nobody reads them')
  await pause(unreadMs)
  peer.do({ step: 'exec', command: 'echo beside' })
  const settled = await peer.settled(10_000)
  if (settled === 'never') watch.outcome({ kind: 'never', text: 'another command did not end' })
  else if (settled.event === 'channel-close') watch.outcome({ kind: 'kept', text: 'another command went on' })
  else watch.outcome({ kind: 'failed', text: settled.text })
}

async function leavesUnread(ssh: Client): Promise<void> {
  // What stands still because of us is no silence of the command.
  const command = await ssh.spawn(`head -c ${size} /dev/zero >&2; echo done`, { idleTimeout: '3s' })
  command.stdout.setEncoding('utf8')
  let hasExited = false
  const exited = command.exited.finally(() => (hasExited = true))
  for (const since = performance.now(); performance.now() - since < unreadMs; await pause(500)) {
    assert.ok((await ssh.keepalive.send()).rttMs < 1000)
    const { stdout, durationMs } = await ssh.exec('echo beside')
    assert.equal(stdout, 'beside\n')
    assertWithin(durationMs, [0, 1000])
  }
  const [unread] = ssh.stats().channels
  assert.ok((unread?.receiveWindow ?? size) < 64 * 1024)
  assert.deepEqual([hasExited, ssh.liveness.state], [false, 'alive'])
  let bytes = 0
  for await (const chunk of command.stderr as AsyncIterable<Buffer>) bytes += chunk.length
  assert.deepEqual([bytes, command.stdout.read()], [size, 'done\n'])
  assert.equal((await exited).exitCode, 0)
}
