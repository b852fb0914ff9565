import assert from 'node:assert/strict'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { type Script, startScript } from '../../promises/support/script.js'
import { signalConnections } from '../../promises/support/signals.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import { lab, type PeerClient, row, type Watch } from '../row.js'

leavesNothing()

const intervalMs = lab.full ? 15_000 : 1000
const boundMs = 4 * intervalMs
const blockedMs = lab.full ? 70_000 : 7000
const stoppedMs = lab.full ? 90_000 : 9000
/** Of a login: the block alone uses it up twice. */
const limitMs = blockedMs / 2

row({
  number: 39,
  failure: 'our own event loop is blocked, or the machine sleeps, for longer than the bound',
  expected: 'Does not blame the peer: reads first, asks, then judges; and finds a peer that died meanwhile.',
  how: 'the event loop blocked for 70 s, also in the middle of a login, and SIGSTOP to the client for 90 s, where the bound is 60 s',
  bound: 'a living peer is kept; one that died meanwhile is reported within the bound after the wake',
  code: 'none: the connection lives; ERR_SSH_PEER_DEAD for the dead one',
  scale: { short: '7 s and 9 s, where the bound is 4 s', full: '70 s and 90 s, where the bound is 60 s' },
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    const dying = await sshd(t, { version: '10' })
    const [blocked, bereft, stopped] = await Promise.all([
      ready(t, server, blockedMs),
      ready(t, dying, blockedMs),
      ready(t, server),
    ])
    watch.fault('the event loop is blocked, or the process stopped')
    await signalConnections(dying, 'SIGSTOP')
    await Promise.all([
      assertSurvives(blocked.script, blockedMs, blocked.since).then(() => watch.event('the blocked one goes on')),
      assertReports(bereft).then(() => watch.event('the dead peer is reported')),
      assertSurvivesStop(stopped.script).then(() => watch.event('the stopped one goes on')),
      Promise.all([1, 3].map((nth) => assertLogsIn(t, server, nth))).then(() =>
        watch.event('the blocked logins succeed'),
      ),
    ])
    watch.outcome({ kind: 'kept', text: 'the living peer was kept, the dead one reported' })
  },
  peers: { ssh2: blocksItself, openssh: isStopped },
})

async function blocksItself(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const settings = { keepaliveInterval: intervalMs, keepaliveCountMax: 3 }
  const peer = client.start(await sshd(t, { version: '10' }), { job: 'idle' }, settings)
  await peer.event('ready', 10_000)
  watch.fault('the event loop is blocked')
  peer.do({ step: 'block', ms: blockedMs })
  await peer.event('blocked', blockedMs + 10_000)
  await pause(boundMs)
  peer.do({ step: 'exec', command: 'echo here' })
  const settled = await peer.settled(20_000)
  if (settled !== 'never' && settled.event === 'channel-close') watch.outcome({ kind: 'kept', text: 'went on' })
  else if (settled === 'never') watch.outcome({ kind: 'never', text: 'did nothing any more' })
  else watch.outcome({ kind: 'killed-wrongly', ms: watch.since(settled.at), text: settled.text })
}

async function isStopped(t: TestContext, client: PeerClient, watch: Watch): Promise<void> {
  const settings = { ServerAliveInterval: intervalMs / 1000, ServerAliveCountMax: 3 }
  const peer = client.start(await sshd(t, { version: '10' }), { job: 'exec', command: 'cat' }, settings)
  await peer.event('ready', 10_000)
  watch.fault('the process is stopped')
  process.kill(peer.pid, 'SIGSTOP')
  await pause(stoppedMs)
  process.kill(peer.pid, 'SIGCONT')
  if ((await peer.settled(boundMs + 1000)) !== 'never') {
    watch.outcome({ kind: 'killed-wrongly', text: 'ended after it went on' })
    return
  }
  peer.do({ step: 'end-input' })
  const settled = await peer.settled(10_000)
  if (settled !== 'never' && settled.text.includes('exit 0')) watch.outcome({ kind: 'kept', text: 'went on' })
  else watch.outcome({ kind: 'failed', text: settled === 'never' ? 'did not end' : settled.text })
}

interface Absent {
  readonly script: Script
  /** When it was ready, as `Date.now()`: blocked from then on, if at all, while others are waited for. */
  readonly since: number
}

async function ready(t: TestContext, server: SshdServer, blockMs?: number): Promise<Absent> {
  const { port, username, clientKeys } = server
  const block = blockMs === undefined ? [] : [`${blockMs}`]
  const script = startScript('absent', `${port}`, username, clientKeys.ed25519.privateKey, `${intervalMs}ms`, ...block)
  t.after(() => script.child.kill('SIGKILL'))
  const [word, since] = (await script.line()).split(' ')
  assert.equal(word, 'ready')
  return { script, since: Number(since) }
}

/** It goes on where it was, at once after the time in which it could not listen. */
async function assertSurvives({ line, ended }: Script, absentMs: number, since: number): Promise<void> {
  const result = await line()
  assertWithin(Date.now() - since, [absentMs - 100, absentMs + 2500])
  const { code, stderr } = await ended
  assert.equal(code, 0, stderr)
  assert.match(result, /"output":"still here"/)
}

async function assertSurvivesStop(script: Script): Promise<void> {
  const since = Date.now()
  script.child.kill('SIGSTOP')
  await pause(stoppedMs)
  script.child.kill('SIGCONT')
  // Whatever is held against the peer is said within the bound.
  await pause(boundMs + 1000)
  script.child.stdin.write('go on\n')
  await assertSurvives(script, stoppedMs + boundMs + 1000, since)
}

/** Blocked when the n-th piece of the server's has come, with round trips still to go. */
async function assertLogsIn(t: TestContext, server: SshdServer, nth: number): Promise<void> {
  const { port, username, clientKeys } = server
  const account = [`${port}`, username, clientKeys.ed25519.privateKey]
  const { child, line, ended } = startScript('blocked-login', ...account, `${limitMs}ms`, `${blockedMs}`, `${nth}`)
  t.after(() => child.kill('SIGKILL'))
  const since = performance.now()
  const result = await line()
  assert.equal(result, 'logged in', result)
  assertWithin(performance.now() - since, [blockedMs, blockedMs + limitMs])
  const { code, stderr } = await ended
  assert.equal(code, 0, stderr)
}

async function assertReports({ script: { ended }, since }: Absent): Promise<void> {
  const { code, stderr } = await ended
  assert.equal(code, 1)
  // As Node prints an error that nobody caught.
  assert.match(stderr, /^ {2}code: 'ERR_SSH_PEER_DEAD',$/m)
  assert.match(stderr, /^ {2}phase: 'ready',$/m)
  // After the wake, the peer is asked once more and has an interval to answer.
  assertWithin(Date.now() - since, [blockedMs + intervalMs - 100, blockedMs + boundMs + 2500])
}
