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
import { openLab, prepareLab } from '../network/lab.js'
import { lab, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const graceMs = 2000
const pausedMs = 5000
const command = 'sleep 12 & echo hi'
/** More than a window, so that the exit is known long before the last byte has come. */
const farBytes = lab.full ? 9_000_000 : 4_000_000
const kbits = lab.full ? 384 : 1600

row({
  number: 24,
  failure: 'the exit is seen, the output is held open by a background child',
  expected: 'Waits for output that is on its way, gives up on output that never ends, and says so.',
  how: '`sleep 12 & echo hi`; and `head -c 9M /dev/zero` with a slow reader, one that reads nothing for 5 s, and on a link of 48 kB/s',
  bound: 'ends after 2 s of silence',
  code: 'none: the command ends well, `outputOpen` is true',
  scale: { short: 'of the link, 4 MB at 200 kB/s', full: 'of the link, 9 MB at 48 kB/s' },
  needs: () => everyAvailability([prepareLab(), prepareSshd('9.2'), prepareDropbear('2022.83')]),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '9.2' })
    const [ssh, unread] = await Promise.all([login(t, server), login(t, server)])
    const dropbear = await startDropbear({ version: '2022.83' })
    t.after(() => dropbear.stop())
    const onDropbear = await login(t, dropbear)

    watch.fault('the shell exits, its child holds the output')
    const [durationMs, onDropbearMs] = await Promise.all([holdsOutput(ssh, true), holdsOutput(onDropbear, false)])
    watch.outcome({ kind: 'ended', ms: durationMs, text: 'exit code 0, all that was written, and `outputOpen`' })
    assertWithin(durationMs, [graceMs, graceMs + 2000])
    assertWithin(onDropbearMs, [0, graceMs])
    const slow = [readSlowly(ssh), readSlowly(onDropbear), readLate(unread), readFromAfar(t)]
    assert.deepEqual(await Promise.all(slow), [9_000_000, 9_000_000, 9_000_000, farBytes])
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

async function readFromAfar(t: TestContext): Promise<number> {
  const far = await openLab()
  t.after(() => far.close())
  const ssh = await login(t, await far.server.sshd({ version: '9.2' }))
  await far.gateway.rate({ kbits })
  const { stdout, exitCode, outputOpen } = await ssh.exec(`head -c ${farBytes} /dev/zero`, { encoding: 'buffer' })
  assert.deepEqual([exitCode, outputOpen], [0, false])
  await ssh.close()
  return stdout.length
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

/**
 * Reads nothing at first, for much longer than the grace. The shell ends at once, so that the exit is known although the
 * output is several windows long; a connection of its own, since traffic of others would stretch the grace.
 */
async function readLate(ssh: Client): Promise<number> {
  const { stdout, exited } = await ssh.spawn('head -c 9000000 /dev/zero & exit 0')
  await pause(pausedMs)
  let bytes = 0
  for await (const chunk of stdout as AsyncIterable<Buffer>) bytes += chunk.length
  const { exitCode, outputOpen } = await exited
  assert.deepEqual([exitCode, outputOpen], [0, false])
  return bytes
}
