import assert from 'node:assert/strict'
import { HoldfastError } from 'holdfast'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { socketsTo } from '../../promises/support/sockets.js'
import { row } from '../row.js'
import { peers, reconnect, reconnecting } from './support/reconnecting.js'
import { due, needs, scene, slackMs } from './support/scene.js'

leavesNothing()

const budgetMs = 5000

row({
  number: 73,
  failure: 'the server does not come back',
  expected: 'Gives up when its budget is used up, tells everything that waits, and leaves nothing behind.',
  how: 'every packet is dropped for good, under a client with `reconnect: { maxTime: "5s" }` and calls that wait',
  bound: 'reported within 5 s (maxTime) of the verdict, which comes within 4 s of the last packet (1 s x 3)',
  code: 'ERR_SSH_RECONNECT, with what the last attempt failed for as its cause',
  needs: needs('10'),
  async holdfast(t, watch) {
    const { gateway, server } = await scene(t, { version: '10' })
    const { ssh } = await reconnecting(t, server, watch, { reconnect: { ...reconnect, maxTime: budgetMs } })
    await gateway.drop({ direction: 'both' })
    watch.fault('every packet is dropped')
    const since = performance.now()
    await new Promise((resolve) => ssh.once('reconnecting', resolve))
    const lostMs = performance.now() - since
    assertWithin(lostMs, [due[0], due[1]])
    const calls = [ssh.exec('true'), ssh.sftp(), ssh.connectTo({ host: 'localhost', port: 1 })].map(failure)
    const cause = await ssh.closed
    const ms = performance.now() - since
    watch.outcome({ kind: 'reported', ms, text: cause.code })
    assert.deepEqual([cause.code, cause.phase], ['ERR_SSH_RECONNECT', 'reconnect'])
    // An attempt that could not begin before the end is not made.
    assertWithin(ms - lostMs, [budgetMs - 1000, budgetMs + slackMs])
    assert.ok(cause.cause instanceof HoldfastError)
    assert.deepEqual([cause.cause.code, cause.cause.limit], ['ERR_SSH_TIMEOUT', 'tcp'])
    for (const { error } of await Promise.all(calls)) assert.equal(error.code, 'ERR_SSH_RECONNECT')
    assert.deepEqual(await socketsTo(server.port, server.host), [])
  },
  peers,
})
