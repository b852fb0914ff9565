/** Row 39 of the table of failures: our own event loop is blocked, or our process stopped, for longer than the bound. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { skipReason } from '../servers/availability.js'
import { prepareSshd, startSshd } from '../servers/sshd.js'
import { network } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { type Script, startScript } from './support/script.js'

leavesNothing()

/** Bound 800 ms. */
const quick = '200ms'

interface Absence {
  readonly delayMs?: number
  readonly interval: string
  readonly blocks?: readonly number[]
}

const version = '10'
const skip = skipReason(await prepareSshd(version))

describe('a living peer is not given up', { skip, concurrency: true, timeout: 150_000 }, () => {
  for (const blocks of [[3000], [900, 900, 900, 900], [150, 250, 350, 450, 550, 650, 750, 850]]) {
    test(`after the event loop was blocked for ${blocks.join(', ')} ms, bound 800 ms`, async (t) => {
      await assertSurvives(t, await start(t, { interval: quick, blocks }), 0)
    })
  }

  test('after the same at a round trip longer than the interval', async (t) => {
    await assertSurvives(t, await start(t, { interval: quick, blocks: [2000, 1500], delayMs: 120 }), 0)
  })

  test('after our process was stopped for 3 s, bound 800 ms', async (t) => {
    await assertSurvives(t, await start(t, { interval: quick }), 3000)
  })
})

async function start(t: TestContext, { interval, blocks = [], delayMs = 0 }: Absence): Promise<Script> {
  const server = await startSshd({ version })
  t.after(() => server.stop())
  const relay = await network(t, server)
  relay.delay({ ms: delayMs })
  const identity = server.clientKeys.ed25519.privateKey
  return startScript('absent', `${relay.port}`, server.username, identity, interval, ...blocks.map(String))
}

async function assertSurvives(t: TestContext, { child, line, ended }: Script, stoppedMs: number): Promise<void> {
  assert.match(await line(), /^ready /)
  if (stoppedMs > 0) {
    child.kill('SIGSTOP')
    await pause(stoppedMs)
    child.kill('SIGCONT')
    // Left alone for longer than the bound: whatever it holds against the peer, it says now.
    await pause(1500)
    child.stdin.write('go on\n')
  }
  const result = await line()
  const { code, stderr } = await ended
  assert.equal(code, 0, stderr)
  t.diagnostic(result)
  assert.match(result, /"output":"still here"/)
}
