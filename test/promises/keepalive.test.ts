/** `keepalive` of a client: asking now, changing it at run time, and what each setting promises. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'

leavesNothing()

describe('keepalive.send()', { concurrency: true, timeout: 30_000 }, () => {
  test('says by what it asked, how long the answer took, and when the engine asks next', async (t) => {
    const ssh = await client(t, await server(t))
    await ssh.keepalive.send()
    const { probe, rttMs, nextMs } = await ssh.keepalive.send()
    assert.equal(probe, 'ping')
    assert.ok(rttMs > 0 && rttMs < 5000)
    assert.ok(nextMs !== null && nextMs > 0 && nextMs <= 15_000)
  })

  test('that is not answered in time fails alone, and its late answer is for nobody', async (t) => {
    const started = await server(t)
    const ssh = await client(t, started)
    const command = ssh.exec('sleep 1; echo done')
    started.freeze()
    const { error } = await failure(ssh.keepalive.send({ timeout: 300 }))
    assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_PROBE_TIMEOUT', 'reply', 300])
    assertWithin(error.elapsedMs ?? 0, [300, 2000])
    assert.equal(ssh.liveness.state, 'alive')
    const abort = new AbortController()
    const aborted = failure(ssh.keepalive.send({ signal: abort.signal }))
    abort.abort()
    assert.equal((await aborted).error.name, 'AbortError')
    started.thaw()
    const since = performance.now()
    assert.ok((await ssh.keepalive.send()).rttMs <= performance.now() - since)
    assert.equal((await command).stdout, 'done\n')
  })

  test('during a key exchange asks once that is over', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay)
    relay.delay({ ms: 100 })
    const [, { rttMs }] = await Promise.all([ssh.rekey(), ssh.keepalive.send({ timeout: '5s' })])
    assert.ok(rttMs >= 200)
  })

  test('refuses a wrong timeout', async (t) => {
    const ssh = await client(t, await server(t))
    assert.equal((await failure(ssh.keepalive.send({ timeout: 0 }))).error.code, 'ERR_SSH_OPTION')
  })
})

describe('keepalive.configure()', { concurrency: true, timeout: 30_000 }, () => {
  test('holds from now on', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay)
    assert.equal(ssh.liveness.bound, 60_000)
    ssh.keepalive.configure({ interval: '300ms', countMax: 2 })
    assert.deepEqual(ssh.keepalive.settings, { interval: 300, countMax: 2, wantReply: true, tcp: true })
    assert.equal(ssh.liveness.bound, 900)
    relay.cut()
    const { error, tookMs } = await failure(ssh.exec('true'))
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assertWithin(tookMs, [500, 4000])
  })

  test('that switches it off for a peer in doubt takes the doubt back', async (t) => {
    const started = await server(t)
    const ssh = await client(t, started, { keepalive: { interval: 300, countMax: 5 } })
    started.freeze()
    await once(ssh, 'liveness')
    assert.equal(ssh.liveness.state, 'suspect')
    ssh.keepalive.configure(false)
    assert.deepEqual([ssh.liveness.state, ssh.liveness.bound, ssh.stats().tcpKeepalive], ['alive', null, false])
    await pause(2500)
    started.thaw()
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
  })

  test('that is wrong changes nothing', async (t) => {
    const ssh = await client(t, await server(t))
    const before = ssh.keepalive.settings
    for (const wrong of [{ interval: 0 }, { interval: '15' }, { countMax: 0 }, { tcp: { idle: '10ms' } }]) {
      assert.throws(() => ssh.keepalive.configure(wrong), { code: 'ERR_SSH_OPTION' })
    }
    assert.deepEqual(ssh.keepalive.settings, before)
  })
})

describe('without a wanted reply', { concurrency: true, timeout: 30_000 }, () => {
  test('the network is kept awake, and nobody is judged by silence', async (t) => {
    const started = await server(t)
    const relay = await network(t, started)
    const ssh = await client(t, relay, { keepalive: { interval: 250, countMax: 1, wantReply: false } })
    relay.forget({ idleMs: 1500 })
    const said: string[] = []
    ssh.on('liveness', ({ to }) => said.push(to))
    await pause(3000)
    assert.deepEqual([said, ssh.liveness.bound, ssh.liveness.state], [[], null, 'alive'])
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
    started.freeze()
    await pause(1500)
    assert.equal(ssh.liveness.state, 'alive')
    started.thaw()
  })

  for (const [keepalive, tcp] of [
    [{ interval: false, countMax: 1 }, true],
    [false, false],
  ] as const) {
    test(`and with ${JSON.stringify(keepalive)}, nothing is sent while nothing is asked`, async (t) => {
      const relay = await network(t, await server(t))
      const ssh = await client(t, relay, { keepalive })
      assert.deepEqual([ssh.liveness.bound, ssh.stats().tcpKeepalive], [null, tcp])
      await ssh.exec('true')
      // The channel of the command is closed when its result is known already.
      await pause(300)
      const before = relay.stats().passed
      await pause(1500)
      assert.deepEqual(relay.stats().passed, before)
    })
  }

  test('a server that answers no probe is not given up for its silence', async (t) => {
    const ssh = await client(t, await server(t, { answerKeepalives: false }), {
      keepalive: { interval: 250, countMax: 2 },
    })
    assert.equal((await ssh.exec('sleep 4; echo here')).stdout, 'here\n')
    await pause(2000)
    assert.equal((await ssh.exec('echo still')).stdout, 'still\n')
    assert.equal(ssh.liveness.bound, null)
  })
})
