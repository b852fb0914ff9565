import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipReason } from '../../servers/availability.js'
import { EchoFlow, startEcho } from './echo.js'
import { type Lab, type LabOptions, openLab, prepareLab } from './lab.js'

const skip = skipReason(await prepareLab())

async function echoLab(options?: LabOptions): Promise<Lab> {
  const lab = await openLab(options)
  await Promise.all(lab.hosts.map(startEcho))
  return lab
}

describe('the gateway', { skip, concurrency: 3, timeout: 60_000 }, () => {
  test('forgets a flow that was idle for too long, and not one that was in use', async () => {
    await using lab = await echoLab({ forgetAfterS: 2 })
    using idle = await EchoFlow.open(lab.server)
    using used = await EchoFlow.open(lab.server)
    assert.ok(await idle.echoes('a', 2000))
    for (let second = 0; second < 4; second++) {
      assert.ok(await used.echoes(`used ${second}`, 2000))
      await sleep(1000)
    }
    assert.ok(await used.echoes('b', 2000))
    assert.ok(!(await idle.echoes('b', 1000)))
    using fresh = await EchoFlow.open(lab.server)
    assert.ok(await fresh.echoes('c', 2000))
  })

  test('forgets every flow on demand, in silence', async () => {
    await using lab = await echoLab()
    using flow = await EchoFlow.open(lab.server)
    assert.ok(await flow.echoes('a', 2000))
    await lab.gateway.forget()
    assert.ok(!(await flow.echoes('b', 1000)))
    assert.ok(!flow.socket.destroyed)
  })

  test('loses everything until it heals', async () => {
    await using lab = await echoLab()
    using flow = await EchoFlow.open(lab.server)
    assert.ok(await flow.echoes('a', 2000))
    await lab.gateway.drop({ direction: 'both' })
    assert.ok(!(await flow.echoes('b', 600)))
    await lab.gateway.heal()
    assert.ok(await flow.receives('b', 5000))
  })
})
