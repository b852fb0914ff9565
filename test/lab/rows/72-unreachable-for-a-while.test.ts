import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { lab, row } from '../row.js'
import { backWithinMs, noteBack, peers, reconnecting } from './support/reconnecting.js'
import { boundMs, needs, scene } from './support/scene.js'

leavesNothing()

const outageMs = boundMs + (lab.full ? 60_000 : 8000)

row({
  number: 72,
  failure: 'the address cannot be reached for a while, under a client that reconnects',
  expected:
    'Tries one attempt after the other, none longer than its limits, and connects soon after the path is there again.',
  how: 'every packet is dropped for longer than the verdict takes; then packets pass again',
  bound:
    'connected again within an attempt under way (limit tcp, 1 s), a delay of at most 1 s and a login, from when packets pass',
  code: 'ERR_SSH_TIMEOUT (limit tcp) of each attempt; none for the client and what is called meanwhile',
  scale: { short: '12 s of outage', full: '64 s of outage' },
  needs: needs('9.2'),
  async holdfast(t, watch) {
    const { gateway, server } = await scene(t, { version: '9.2' })
    const { ssh, attempts, back } = await reconnecting(t, server, watch)
    await gateway.drop({ direction: 'both' })
    watch.fault('every packet is dropped')
    await new Promise((resolve) => ssh.once('reconnecting', resolve))
    const meanwhile = ssh.exec('echo meanwhile', { timeout: '2m' })
    await pause(outageMs - boundMs)
    const connected = back()
    await gateway.heal()
    watch.event('packets pass again')
    const ms = await connected
    noteBack(watch, ms, 'packets passed again')
    assertWithin(ms, [0, 1000 + backWithinMs])
    assert.equal((await meanwhile).stdout, 'meanwhile\n')
    assert.ok(attempts.length >= 4, `${attempts.length} attempts`)
    const [loss, ...failures] = attempts.map(({ cause: { code, limit } }) => [code, limit])
    assert.deepEqual(loss, ['ERR_SSH_PEER_DEAD', undefined])
    for (const failed of failures) assert.deepEqual(failed, ['ERR_SSH_TIMEOUT', 'tcp'])
  },
  peers,
})
