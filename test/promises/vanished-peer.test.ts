/** Rows 1, 2, 3 and 7 of the table of failures: a NAT that forgets, a peer that is gone, an outage that heals. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { LivenessState } from 'holdfast'
import { eventually } from '../testing/support/eventually.js'
import { countBusy } from './support/busy.js'
import { client, network, runForEver, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'

leavesNothing()

const interval = 500
const bound = 4 * interval
const keepalive = { interval, countMax: 3 }
/** From when the peer vanished: what it said last was said up to an interval before. */
const due = (busyMs: () => number) => [bound - interval - 100, bound + 3000 + busyMs()] as const

/** Of each test: a shared one would be used up by its neighbours. */
const timeout = 60_000

describe('behind a network', { concurrency: true }, () => {
  test('that forgets what is idle, the keepalive keeps the connection', { timeout }, async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay, { keepalive })
    relay.forget({ idleMs: 2 * interval })
    const { stdout } = await ssh.exec(`sleep 3; echo awake`)
    assert.equal(stdout, 'awake\n')
    assert.equal(relay.connections[0]?.state, 'open')
    const since = performance.now()
    const { rttMs } = await ssh.keepalive.send()
    assertWithin(rttMs, [0, performance.now() - since])
  })

  test('that forgets what is idle, a connection without keepalive is lost, and whatever asks the peer settles', {
    timeout,
  }, async (t) => {
    const relay = await network(t, await server(t, { exec: runForEver }))
    const limits = { channelOpen: '500ms', reply: '500ms', rekey: '700ms', close: '300ms' }
    const ssh = await client(t, relay, { keepalive: false, limits })
    const asleep = failure((await ssh.spawn('sleep for ever')).exited)
    relay.forget({ idleMs: interval })
    await eventually('the flow is forgotten', () => relay.connections[0]?.state === 'forgotten')
    const opening = await failure(ssh.exec('true'))
    assert.deepEqual([opening.error.code, opening.error.limit], ['ERR_SSH_TIMEOUT', 'channelOpen'])
    const probe = await failure(ssh.keepalive.send())
    assert.deepEqual([probe.error.code, probe.error.limit], ['ERR_SSH_PROBE_TIMEOUT', 'reply'])
    assert.equal(ssh.liveness.bound, null)
    const rekey = await failure(ssh.rekey())
    assert.deepEqual([rekey.error.code, rekey.error.limit], ['ERR_SSH_TIMEOUT', 'rekey'])
    assert.equal(await ssh.closed, rekey.error)
    assert.equal((await asleep).error.cause, rekey.error)
  })

  for (const how of ['forget', 'cut'] as const) {
    test(`that does not know it any more (${how}), everything pending fails within the bound, with one cause`, {
      timeout,
    }, async (t) => {
      const relay = await network(t, await server(t))
      const ssh = await client(t, relay, { keepalive })
      const running = await ssh.spawn('sleep 60')
      const busyMs = countBusy()
      relay[how]()
      const calls = [ssh.exec('sleep 60'), ssh.exec('true'), running.exited, ssh.rekey()]
      const failures = await Promise.all(calls.map(failure))
      const reason = await ssh.closed
      assert.equal(reason.code, 'ERR_SSH_PEER_DEAD')
      for (const { error, tookMs } of failures) {
        assert.ok(error === reason || error.cause === reason)
        assertWithin(tookMs, due(busyMs))
      }
    })
  }

  test('that takes no more bytes, a peer that answers no probes is given up within the bound too', {
    timeout,
  }, async (t) => {
    const relay = await network(t, await server(t, { answerKeepalives: false }))
    const ssh = await client(t, relay, { keepalive })
    const commands = await Promise.all([1, 2, 3, 4].map(() => ssh.spawn('sleep 60')))
    while (ssh.liveness.bound !== null) await pause(10)
    const [since, busyMs] = [performance.now(), countBusy()]
    relay.stall()
    for (const { stdin } of commands) stdin.write(Buffer.alloc(4_000_000))
    assert.match((await ssh.closed).message, /took none of our bytes/)
    assertWithin(performance.now() - since, due(busyMs))
  })

  test('that is out for a while, the peer is in doubt, and nothing is lost', { timeout }, async (t) => {
    const relay = await network(t, await server(t))
    const countMax = 20
    const ssh = await client(t, relay, { keepalive: { interval, countMax } })
    const states: LivenessState[] = []
    ssh.on('liveness', ({ to }) => states.push(to))
    const data = randomBytes(4_000_000)
    const copy = await ssh.spawn('cat')
    const hash = createHash('sha256')
    copy.stdout.on('data', (chunk: Buffer) => hash.update(chunk))
    copy.stdin.end(data)
    await once(copy.stdout, 'readable')
    relay.stall()
    const since = performance.now()
    await once(ssh, 'liveness')
    // The outage goes on well beyond the first doubt, and well within the bound.
    await pause(2 * interval)
    assertWithin(performance.now() - since, [3 * interval, Number.POSITIVE_INFINITY])
    assert.deepEqual(states, ['suspect'])
    assert.deepEqual([ssh.liveness.state, ssh.liveness.bound], ['suspect', (countMax + 1) * interval])
    relay.heal()
    assert.equal((await copy.exited).exitCode, 0)
    assert.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'))
    assert.deepEqual(states, ['suspect', 'alive'])
  })
})
