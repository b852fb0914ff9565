import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { markedProcesses, markerVariable } from '../../servers/process-tree.js'
import { prepareSshd } from '../../servers/sshd.js'
import { login, sshd } from '../../session/sshd.js'
import { lab, noteSettled, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const limitMs = lab.full ? 10_000 : 2000

/** Joins its standard input and output to a port, takes no notice of their end, nor of TERM. */
const deaf = [
  "process.on('SIGTERM', () => {}); process.stdout.on('error', () => {}); setInterval(() => {}, 1000)",
  "const s = require('net').connect(%p, '%h'); process.stdin.pipe(s, { end: false }); s.pipe(process.stdout)",
].join(';')

row({
  number: 18,
  failure: 'a ProxyCommand never exits',
  expected: 'Bounds the handshake over it like over a socket, closes both ends and kills the command.',
  how: 'proxyCommand `sleep 30000`; and one that carries a connection, then ignores its end and TERM',
  bound: 'reported within 10 s, the default of the limit `identification`; the command is gone 1 s later',
  code: 'ERR_SSH_TIMEOUT',
  scale: { short: 'with the limit at 2 s', full: 'with the default limit' },
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    const marker = randomUUID()
    const sleeping = `${markerVariable}=${marker} sleep 30000`
    watch.fault('a connection over a command that sleeps')
    const { error, tookMs } = await failure(
      connect('deploy@server.invalid', {
        password: 'secret',
        proxyCommand: sleeping,
        limits: lab.full ? {} : { identification: limitMs },
      }),
    )
    watch.outcome({ kind: 'reported', ms: tookMs, text: 'no identification came; the command was killed' })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs],
      ['ERR_SSH_TIMEOUT', 'identification', 'identification', limitMs],
    )
    assertWithin(tookMs, [limitMs, limitMs + 1500])
    await assertGone(marker)

    const ssh = await login(t, server, {
      proxyCommand: `${markerVariable}=${marker} "${process.execPath}" -e "${deaf}"`,
    })
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
    assert.equal((await markedProcesses(marker)).length, 1)
    const since = performance.now()
    await ssh.close()
    assertWithin(performance.now() - since, [0, 3500])
    await assertGone(marker)
    assert.deepEqual(await socketsTo(server.port), [])
  },
  peers: {
    ssh2: 'has no ProxyCommand: the program starts the command, gives its streams, and ends it',
    openssh: watchPeer,
  },
})

async function watchPeer(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const server = await sshd(t, { version: '10' })
  watch.fault('a connection over a command that sleeps')
  const peer = client.start(server, { job: 'idle' }, { ProxyCommand: 'sleep 30000' })
  noteSettled(watch, await peer.settled(30_000), 30_000)
}

/** TERM and, one second later, KILL. */
async function assertGone(marker: string): Promise<void> {
  for (const until = performance.now() + 2500; performance.now() < until; await pause(20)) {
    if ((await markedProcesses(marker)).length === 0) return
  }
  assert.deepEqual(await markedProcesses(marker), [])
}
