import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipReason } from '../../servers/availability.js'
import { EchoFlow, startEcho } from './echo.js'
import { type LabOptions, openLab, prepareLab } from './lab.js'
import type { Loss } from './rules.js'

const skip = skipReason(await prepareLab())

/** A lab with a flow through its gateway, and the echo server at its end. */
async function flowLab(options?: LabOptions) {
  const lab = await openLab(options)
  const echo = await startEcho(lab.server)
  const flow = await EchoFlow.open(echo)
  assert.ok(await flow.echoes('at first'))
  return {
    lab,
    gateway: lab.gateway,
    echo,
    flow,
    async [Symbol.asyncDispose]() {
      flow.socket.destroy()
      await lab.close()
    },
  }
}

/** With the headers of IP and UDP. */
const datagramBytes = 128

async function sendDatagrams(to: string, count: number): Promise<void> {
  const socket = createSocket('udp4')
  for (let left = count; left > 0; left--) {
    await new Promise<void>((resolve) => socket.send(Buffer.alloc(100), 9, to, () => resolve()))
  }
  socket.close()
}

describe('the gateway', { skip, concurrency: 4, timeout: 60_000 }, () => {
  test('forgets a flow that was idle for too long, and not one that was in use', async () => {
    await using scene = await flowLab({ forgetAfterS: 2 })
    using used = await EchoFlow.open(scene.echo)
    for (let beat = 0; beat < 8; beat++) {
      assert.ok(await used.echoes(`beat ${beat}`))
      await sleep(500)
    }
    assert.ok(await used.echoes('still known'))
    assert.ok(!(await scene.flow.echoes('forgotten', 1000)))
    using fresh = await EchoFlow.open(scene.echo)
    assert.ok(await fresh.echoes('new'))
  })

  test('forgets every flow on demand, in silence towards both ends', async () => {
    await using scene = await flowLab()
    await scene.gateway.forget()
    assert.ok(!(await scene.flow.echoes('forgotten', 1000)))
    assert.ok(!scene.flow.socket.destroyed)
    assert.equal((await scene.lab.server.sockets())[0]?.state, 'ESTAB')
    assert.equal((await scene.lab.sockets())[0]?.unacknowledged, 'forgotten'.length)
  })

  for (const direction of ['both', 'to-server', 'to-client'] as const) {
    test(`loses everything ${direction}, until it heals`, async () => {
      await using scene = await flowLab()
      await scene.gateway.drop({ direction })
      const before = await scene.gateway.passed()
      assert.ok(!(await scene.flow.echoes('lost', 600)))

      const after = await scene.gateway.passed()
      assert.equal(after.toServer > before.toServer, direction === 'to-client')
      assert.equal(after.toClient > before.toClient, false)
      await scene.gateway.heal()
      assert.ok(await scene.flow.receives('lost'))
    })
  }

  test('loses a share of the packets', async () => {
    await using lab = await openLab()
    await lab.gateway.drop({ direction: 'to-server', share: 0.5 })
    await sendDatagrams(lab.server.address, 600)
    const passed = (await lab.gateway.passed()).toServer / datagramBytes
    // Six standard deviations.
    assert.ok(passed > 226 && passed < 374, `${passed} of 600 passed`)
  })

  test('does not keep TCP from delivering when it loses some packets', async () => {
    await using scene = await flowLab()
    await scene.gateway.drop({ direction: 'both', share: 0.03 })
    assert.ok(await scene.flow.echoes(`${'x'.repeat(300_000)}end`, 50_000))
  })

  test('loses what acknowledges and carries nothing, and no more', async () => {
    await using scene = await flowLab()
    const emptyAcks: Loss = { direction: 'both', only: 'empty-acks' }
    await scene.gateway.drop(emptyAcks)
    assert.ok(await scene.flow.echoes('bytes pass'))
    // Nothing acknowledges the echo but an empty segment.
    await sleep(300)
    assert.equal((await scene.lab.server.sockets())[0]?.unacknowledged, 'bytes pass'.length)
    // The next bytes do.
    assert.ok(await scene.flow.echoes('more pass'))
    assert.equal((await scene.lab.server.sockets())[0]?.unacknowledged, 'more pass'.length)
    using fresh = await EchoFlow.open(scene.echo)
    assert.ok(await fresh.echoes('connections too'))
  })

  test('loses what concerns one address, also between hosts', async () => {
    await using lab = await openLab({ hosts: 2 })
    const [near, far] = lab.hosts
    assert.ok(near && far)
    using toNear = await EchoFlow.open(await startEcho(near))
    using toFar = await EchoFlow.open(await startEcho(far))
    const reaches = async (): Promise<boolean> => {
      const dial = ['timeout', '1', 'bash', '-c', `: </dev/tcp/${far.address}/7`]
      return (await near.run(dial)).code === 0
    }
    assert.ok(await reaches())

    await lab.gateway.drop({ direction: 'both', only: { address: far.address } })
    assert.ok(!(await toFar.echoes('far', 600)))
    assert.ok(await toNear.echoes('near'))
    assert.ok(!(await reaches()))
    await lab.gateway.heal()
    assert.ok(await toFar.receives('far'))
  })

  test('limits the rate until it is unlimited', async () => {
    await using scene = await flowLab()
    const text = `${'y'.repeat(100_000)}end`
    const timed = async (): Promise<number> => {
      const since = performance.now()
      assert.ok(await scene.flow.echoes(`${text}${since}`, 30_000))
      return performance.now() - since
    }
    await scene.gateway.rate({ kbits: 400, direction: 'to-client' })
    const slow = await timed()
    assert.ok(slow > 1800 && slow < 6000, `${slow} ms for 100 kB at 400 kbit/s`)
    await scene.gateway.unlimited()
    await scene.gateway.unlimited()
    const fast = await timed()
    assert.ok(fast < slow / 2, `${fast} ms without a limit`)
  })

  test('resets a flow on which nothing passes', async () => {
    await using scene = await flowLab()
    const failure = scene.flow.failure()
    await scene.gateway.reset()
    assert.equal(await failure, 'ECONNRESET')
    assert.deepEqual(await scene.lab.server.sockets(), [])
    assert.deepEqual(await scene.lab.sockets(), [])
  })

  test('delays by a relay, which hands on the end and a reset', async () => {
    await using scene = await flowLab()
    const relay = await scene.gateway.delay(150, scene.echo)
    using delayed = await EchoFlow.open(relay)
    const since = performance.now()
    assert.ok(await delayed.echoes('there and back'))
    assert.ok(performance.now() - since >= 299)
    delayed.socket.end()
    await once(delayed.socket, 'end')

    using reset = await EchoFlow.open(relay)
    assert.ok(await reset.echoes('a'))
    const failure = reset.failure()
    await scene.gateway.reset()
    assert.equal(await failure, 'ECONNRESET')
  })

  test('sends one more address to a host', async () => {
    await using scene = await flowLab()
    const address = await scene.lab.server.addAddress()
    using flow = await EchoFlow.open({ ...scene.echo, host: address })
    await scene.gateway.drop({ direction: 'both', only: { address } })
    assert.ok(!(await flow.echoes('to the second', 600)))
    assert.ok(await scene.flow.echoes('to the first'))
  })
})
