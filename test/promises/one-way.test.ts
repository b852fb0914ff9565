/** Rows 5 and 47 of the table of failures: we hear the peer, and it does not hear us. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { oneWayBound } from '#src/liveness/answer-age.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { client, network, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { assertWithin, failure } from './support/outcome.js'

leavesNothing()

const keepalive = { interval: 500, countMax: 3 }
/** Its bound of silence, 3.2 s, is longer than the gaps below. */
const slower = { interval: 800, countMax: 3 }
const slackMs = 3000
/** sshd looks at its clock once a second: between two of its probes there may be twice ClientAliveInterval. */
const gapMs = 2100
const skip = skipReason(await prepareSshd('9.2'))

describe('a peer that no longer hears us', { concurrency: true, timeout: 40_000 }, () => {
  test('is given up although its own probes come in', { skip }, async (t) => {
    const sshServer = await sshd(t, { version: '9.2', config: { ClientAliveInterval: 1, ClientAliveCountMax: 1000 } })
    const relay = await network(t, sshServer)
    const ssh = await login(t, sshServer, { port: relay.port, keepalive: slower })
    const command = await ssh.spawn('sleep 60')
    relay.swallow({ direction: 'toServer' })
    const { error, tookMs } = await failure(command.exited)
    t.diagnostic(`verdict after ${Math.round(tookMs)} ms, bound ${oneWayBound(slower, gapMs)}`)
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assert.match(error.message, /it does not hear us/)
    assert.ok((error.evidence?.lastHeardMs ?? Number.POSITIVE_INFINITY) <= gapMs)
    assertWithin(tookMs, [4 * slower.interval, oneWayBound(slower, gapMs) + slackMs])
  })

  test('is given up although a command of it trickles on', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay, { keepalive })
    const command = await ssh.spawn('while :; do echo x; sleep 0.1; done')
    await once(command.stdout.resume(), 'data')
    relay.swallow({ direction: 'toServer' })
    const { error, tookMs } = await failure(command.exited)
    t.diagnostic(`verdict after ${Math.round(tookMs)} ms, bound ${oneWayBound(keepalive)}`)
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assert.match(error.message, /it does not hear us/)
    assertWithin(tookMs, [4 * keepalive.interval - 100, oneWayBound(keepalive) + slackMs])
  })

  test('is given up once what it may send has run out', async (t) => {
    const relay = await network(t, await server(t))
    const ssh = await client(t, relay, { keepalive })
    relay.rate({ bytesPerSecond: 1_000_000, direction: 'toClient' })
    const command = await ssh.spawn('cat /dev/zero')
    await once(command.stdout.resume(), 'data')
    relay.swallow({ direction: 'toServer' })
    const { error, tookMs } = await failure(command.exited)
    t.diagnostic(`verdict after ${Math.round(tookMs)} ms, of which 2.1 s is the rest of the window`)
    assert.equal(error.code, 'ERR_SSH_PEER_DEAD')
    assertWithin(tookMs, [4 * keepalive.interval - 100, 2100 + oneWayBound(keepalive) + slackMs])
  })
})
