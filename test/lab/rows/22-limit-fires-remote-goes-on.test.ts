import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, CommandError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { everyAvailability } from '../../servers/availability.js'
import { prepareDropbear, startDropbear } from '../../servers/dropbear.js'
import { untilCommandRuns } from '../../servers/remote-command.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, running, sshd } from '../../session/sshd.js'
import type { PeerProcess } from '../peers/peer.js'
import { type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const timeout = 1000
/** After this the file is there, unless the command was ended. */
const touchesAfterMs = 5000

row({
  number: 22,
  failure: 'a limit fires, the remote command goes on',
  expected: 'Ends it on the server too: by TERM, KILL and CLOSE, as far as each is needed; and says how far that got.',
  how: '`sleep 5; touch f` with a limit of 1 s; the others have none: ssh2 sends TERM and closes the channel after 1 s, ssh(1) is ended by TERM',
  bound: 'reported 3 s after the limit at most',
  code: 'ERR_SSH_TIMEOUT',
  needs: () => everyAvailability([prepareSshd('9.2'), prepareSshd('10'), prepareDropbear('2022.83')]),
  async holdfast(t, watch) {
    const file = await fileMaker(t)
    const asUser = await login(t, await sshd(t, { version: '10' }))
    const deafSshd = await sshd(t, { version: '9.2' })
    const asRoot = await login(t, deafSshd, { username: 'root' })
    const dropbear = await startDropbear({ version: '2022.83' })
    t.after(() => dropbear.stop())
    const onDropbear = await login(t, dropbear)
    const forced = await login(t, await sshd(t, { version: '10', config: { ForceCommand: file('forced').command } }))

    watch.fault('the command is called')
    const since = performance.now()
    const [ended, ...others] = await Promise.all([
      fails(asUser, file('simple').command),
      // The shell passes on to its children that TERM is ignored.
      fails(asUser, `trap "" TERM; ${file('stubborn').command}`),
      // sshd 9.2 drops signals for root, every sshd for a forced command; dropbear passes them to the shell alone.
      fails(asRoot, file('root').command),
      fails(onDropbear, file('dropbear').command),
      fails(forced, 'anything'),
    ])
    watch.outcome({ kind: 'reported', ms: ended.durationMs, text: 'and ended on the server' })
    assert.deepEqual(
      [ended, ...others].map(({ remote, ending }) => [remote, ending.by]),
      [
        ['terminated', 'signal'],
        ['killed', 'signal'],
        ['terminated', 'process-group'],
        ['abandoned', 'signal'],
        ['abandoned', 'none'],
      ],
    )
    await pause(touchesAfterMs + 1500 - (performance.now() - since))
    assert.deepEqual(
      ['simple', 'stubborn', 'root', 'dropbear', 'forced'].map((name) => existsSync(file(name).path)),
      [false, false, false, false, true],
    )
    for (const server of [deafSshd, dropbear]) assert.deepEqual(await running(server), [])
  },
  peers: {
    ssh2: (t, client, watch) => givesUp(t, client, watch, signalAndClose),
    openssh: (t, client, watch) => givesUp(t, client, watch, ({ pid }) => process.kill(pid, 'SIGTERM')),
  },
})

/** What a program does that times its command by itself, with what the API has for that. */
function signalAndClose(peer: PeerProcess): void {
  peer.do({ step: 'signal', name: 'TERM' })
  peer.do({ step: 'close-channel' })
}

/** By `signalAndClose`, or as `timeout 1 ssh …` does it. */
async function givesUp(t: TestContext, client: PeerClient, watch: Watch, giveUp: (peer: PeerProcess) => void) {
  const server = await sshd(t, { version: '10' })
  const { command, path } = (await fileMaker(t))('peer')
  const peer = client.start(server, { job: 'exec', command })
  await untilCommandRuns(server, `sleep ${touchesAfterMs / 1000}`)
  watch.fault('the command is called')
  await pause(timeout)
  giveUp(peer)
  const settled = await peer.settled(timeout)
  await pause(touchesAfterMs + 1000 - watch.since())
  if (existsSync(path)) watch.outcome({ kind: 'failed', text: 'given up here, the command went on and made its file' })
  else {
    const ms = settled === 'never' ? watch.since() : watch.since(settled.at)
    watch.outcome({ kind: 'ended', ms, text: 'the command was ended on the server' })
  }
}

async function fails(ssh: Client, command: string): Promise<CommandError> {
  const { error, tookMs } = await failure(ssh.exec(command, { timeout }))
  assert.ok(error instanceof CommandError)
  assert.deepEqual(
    [error.code, error.phase, error.limit, error.limitMs],
    ['ERR_SSH_TIMEOUT', 'command', 'timeout', timeout],
  )
  assertWithin(tookMs, [timeout, timeout + 3000 + 1500])
  return error
}

/** Files that any user of the server may make, and the commands that do so. */
async function fileMaker(
  t: TestContext,
): Promise<(name: string) => { readonly path: string; readonly command: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-touched-'))
  t.after(() => rm(directory, { recursive: true }))
  await chmod(directory, 0o777)
  return (name) => {
    const path = join(directory, name)
    return { path, command: `sleep ${touchesAfterMs / 1000}; touch ${path}` }
  }
}
