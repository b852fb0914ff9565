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

const graceMs = 2000
const command = 'sleep 12 & echo hi'

row({
  number: 24,
  failure: 'the exit is seen, the output is held open by a background child',
  expected: 'Waits for output that is on its way, gives up on output that never ends, and says so.',
  how: '`sleep 12 & echo hi`; and `head -c 9M /dev/zero` with a slow reader',
  bound: 'ends after 2 s of silence',
  code: 'none: the command ends well, `outputOpen` is true',
  needs: () => everyAvailability([prepareSshd('9.2'), prepareDropbear('2022.83')]),
  async holdfast(t, watch) {
    const ssh = await login(t, await sshd(t, { version: '9.2' }))
    const dropbear = await startDropbear({ version: '2022.83' })
    t.after(() => dropbear.stop())
    const onDropbear = await login(t, dropbear)

    const slow = Promise.all([readSlowly(ssh), readSlowly(onDropbear)])
    watch.fault('the shell exits, its child holds the output')
    const [durationMs, onDropbearMs] = await Promise.all([holdsOutput(ssh, true), holdsOutput(onDropbear, false)])
    watch.outcome({ kind: 'ended', ms: durationMs, text: 'exit code 0, all that was written, and `outputOpen`' })
    assertWithin(durationMs, [graceMs, graceMs + 2000])
    assertWithin(onDropbearMs, [0, graceMs])
    assert.deepEqual(await slow, [9_000_000, 9_000_000])
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '9.2' })
  const peer = client.start(server, { job: 'exec', command })
  await peer.event('data', 10_000)
  watch.fault('the shell exits, its child holds the output')
  const settled = await peer.settled(20_000)
  if (settled === 'never') watch.outcome({ kind: 'never', text: 'the command did not end' })
  else watch.outcome({ kind: 'ended', ms: watch.since(settled.at), text: 'waited for the background child' })
}

/** dropbear closes the session when the shell exits, whoever holds its output. */
async function holdsOutput(ssh: Client, isOpen: boolean): Promise<number> {
  const { stdout, exitCode, signal, outputOpen, durationMs } = await ssh.exec(command)
  assert.deepEqual([stdout, exitCode, signal, outputOpen], ['hi\n', 0, null, isOpen])
  return durationMs
}

/** Stops for longer than the grace, when the exit has long been seen. */
async function readSlowly(ssh: Client): Promise<number> {
  const { stdout, exited } = await ssh.spawn('head -c 9000000 /dev/zero')
  let bytes = 0
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    if (bytes < 7_000_000 && bytes + chunk.length >= 7_000_000) await pause(graceMs + 1000)
    bytes += chunk.length
  }
  const { exitCode, outputOpen } = await exited
  assert.deepEqual([exitCode, outputOpen], [0, false])
  return bytes
}
