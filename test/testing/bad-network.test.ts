import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type BadNetwork, badNetwork } from 'holdfast/testing'

describe('badNetwork', () => {
  let server: Server
  let network: BadNetwork
  let atServer: Socket[]
  const clients: Socket[] = []

  beforeEach(async () => {
    atServer = []
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      atServer.push(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    network = await badNetwork({ to: { port: (server.address() as AddressInfo).port } })
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await network.close()
    for (const socket of atServer) socket.destroy()
    server.close()
    await once(server, 'close')
  })

  /** A client, and the server's end of the same connection. */
  async function pair(): Promise<{ client: Socket; peer: Socket }> {
    const client = await connectTo()
    if (atServer.length < clients.length) await once(server, 'connection')
    const peer = atServer.at(-1)
    assert.ok(peer)
    return { client, peer }
  }

  async function connectTo(): Promise<Socket> {
    const client = connect({ port: network.port, host: network.host, allowHalfOpen: true })
    client.on('error', () => {})
    clients.push(client)
    await once(client, 'connect')
    return client
  }

  test('hands on bytes and ends both ways', async () => {
    const { client, peer } = await pair()
    client.write('to the server')
    assert.equal(await next(peer), 'to the server')
    peer.write('to the client')
    assert.equal(await next(client), 'to the client')
    client.end()
    await once(peer, 'end')
    peer.end('last words')
    assert.equal(await next(client), 'last words')
    await once(client, 'close')
    await eventually(() => network.stats().open === 0)
    assert.deepEqual(network.stats(), {
      accepted: 1,
      open: 0,
      passed: { toServer: 13, toClient: 23 },
      dropped: { toServer: 0, toClient: 0 },
    })
  })

  test('hands on much without loss, to a reader that is slow', async () => {
    const { client, peer } = await pair()
    const sent = Buffer.alloc(8 * 1024 * 1024, 'holdfast')
    client.end(sent)
    await pause(50)
    const received: Buffer[] = []
    for await (const bytes of peer) received.push(bytes as Buffer)
    assert.ok(Buffer.concat(received).equals(sent))
  })

  test('hands on a reset, and a refused connection as one', async () => {
    const { client, peer } = await pair()
    const lost = once(client, 'error') as Promise<[NodeJS.ErrnoException]>
    peer.resetAndDestroy()
    assert.equal((await lost)[0].code, 'ECONNRESET')

    server.close()
    const refused = connect(network.port, network.host)
    clients.push(refused)
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNRESET')
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  test('forgets a connection that idles, both ways and for ever, and no other', async (t) => {
    const clock = stoppedClock(t)
    network.forget({ idleMs: 500 })
    const idle = await pair()
    const busy = await pair()
    idle.client.write('known')
    await next(idle.peer)
    for (let round = 0; round < 10; round++) {
      clock.now += 60
      busy.client.write('still here')
      assert.equal(await next(busy.peer), 'still here')
    }
    assert.deepEqual(states(network), ['forgotten', 'open'])
    idle.client.write('lost')
    idle.peer.write('lost too')
    idle.client.end()
    await eventually(() => network.stats().dropped.toServer === 4 && network.stats().dropped.toClient === 8)
    network.heal()
    idle.client.destroy()
    assert.equal(await silence(idle.peer), 'silence')
    assert.deepEqual(states(network), ['forgotten', 'open'])
  })

  test('forgets what there is now, as a NAT that starts anew, and knows what comes later', async () => {
    const old = await pair()
    network.forget()
    const young = await pair()
    old.client.write('lost')
    young.client.write('known')
    assert.equal(await next(young.peer), 'known')
    assert.equal(await silence(old.peer), 'silence')
  })

  test('swallows one way and passes the other', async () => {
    const { client, peer } = await pair()
    network.swallow({ direction: 'toServer' })
    client.write(Buffer.alloc(16 * 1024 * 1024))
    await once(client, 'drain')
    peer.write('a trickle')
    assert.equal(await next(client), 'a trickle')
    assert.equal(peer.bytesRead, 0)
    network.heal()
    client.write('after a hole')
    assert.equal(await silence(peer), 'silence')
    assert.deepEqual(states(network), ['broken'])
  })

  test('a connection of which nothing was swallowed goes on after heal()', async () => {
    const { client, peer } = await pair()
    network.swallow()
    network.heal()
    client.write('unharmed')
    assert.equal(await next(peer), 'unharmed')
  })

  test('stalls: the sender has to wait, and nothing is lost', async () => {
    const { client, peer } = await pair()
    network.stall()
    const sent = Buffer.alloc(32 * 1024 * 1024, 'x')
    client.end(sent)
    assert.equal(await silence(peer), 'silence')
    assert.ok(client.writableLength > 0)
    network.heal()
    let received = 0
    for await (const bytes of peer) received += (bytes as Buffer).length
    assert.equal(received, sent.length)
  })

  test('cut: neither side hears of the other, of bytes on their way, of an end, or of a new connection', async () => {
    const { client, peer } = await pair()
    network.delay({ ms: 40 })
    client.write('on its way')
    await eventually(() => network.connections[0]?.inTransit.toServer === 10)
    network.cut()
    peer.write('lost')
    client.resetAndDestroy()
    const late = await connectTo()
    late.write('anybody?')
    assert.deepEqual(await Promise.all([silence(peer), silence(late)]), ['silence', 'silence'])
    assert.equal(atServer.length, 1)
    network.heal()
    assert.equal(await silence(peer), 'silence')
  })

  test('a connection made while cut, over which nothing was lost, goes on after heal()', async () => {
    network.cut()
    const client = await connectTo()
    network.heal()
    client.write('hello')
    if (atServer[0] === undefined) await once(server, 'connection')
    assert.ok(atServer[0])
    assert.equal(await next(atServer[0]), 'hello')
  })

  test('closes, and resets, at the very moment at which it hands on an end', async () => {
    for (const letGo of ['reset', 'close'] as const) {
      const { client, peer } = await pair()
      network.delay({ ms: 60_000 })
      peer.end('last words')
      await eventually(() => network.connections[0]?.inTransit.toClient === 10)
      await pause(50)
      network.heal()
      void network[letGo]()
      await eventually(() => network.connections.length === 0)
      client.destroy()
    }
  })

  test('resets both ends', async () => {
    const { client, peer } = await pair()
    const ends = [once(client, 'error'), once(peer, 'error')] as Promise<[NodeJS.ErrnoException]>[]
    network.reset()
    for (const [error] of await Promise.all(ends)) assert.equal(error.code, 'ECONNRESET')
  })

  test('delays each byte, keeps the order, and does not hold up what follows', async (t) => {
    const clock = stoppedClock(t)
    const { client, peer } = await pair()
    network.delay({ ms: 150, direction: 'toServer' })
    let received = ''
    peer.on('data', (bytes: Buffer) => {
      received += bytes.toString()
    })
    for (let number = 0; number < 10; number++) {
      client.write(`${number}`)
      await eventually(() => network.connections[0]?.inTransit.toServer === number + 1)
      clock.now += 5
    }
    for (const [now, text] of [
      [149, ''],
      [150, '0'],
      [174, '01234'],
      [195, '0123456789'],
    ] as const) {
      clock.now = now
      await eventually(() => received === text)
      assert.equal(network.stats().passed.toServer, text.length)
    }
  })

  test('limits the rate of one way', async (t) => {
    const clock = stoppedClock(t)
    const { client, peer } = await pair()
    network.rate({ bytesPerSecond: 100_000, direction: 'toServer' })
    client.end(Buffer.alloc(10_000))
    await eventually(() => network.connections[0]?.inTransit.toServer === 10_000)
    for (let passed = 0; passed <= 10_000; passed += 2500) {
      clock.now = passed / 100
      await eventually(() => peer.bytesRead === passed)
      assert.equal(network.stats().passed.toServer, passed)
    }
    await once(peer.resume(), 'end')
  })

  test('lets a connection end behind what is delayed', async () => {
    const { client, peer } = await pair()
    network.delay({ ms: 50 })
    client.end('farewell')
    assert.equal(await next(peer), 'farewell')
    await once(peer, 'end')
  })

  test('close() leaves nothing, whatever the network was doing, and may be called again', async () => {
    const { client, peer } = await pair()
    network.delay({ ms: 60_000 })
    client.write('never arrives')
    network.cut()
    const late = await connectTo()
    const ends = [client, peer, late].map((socket) => once(socket, 'close').catch(() => {}))
    await Promise.all([network.close(), network.close()])
    await Promise.all(ends)
    assert.equal(network.stats().open, 0)
    await assert.rejects(once(connect(network.port, network.host), 'connect'), { code: 'ECONNREFUSED' })
  })

  test('names the option that is wrong', async () => {
    await assert.rejects(badNetwork({ to: { port: 0 } }), { code: 'ERR_SSH_OPTION', message: /^to\.port is 0/ })
    assert.throws(() => network.delay({ ms: -1 }), { code: 'ERR_SSH_OPTION', message: /^ms is -1/ })
    assert.throws(() => network.rate({ bytesPerSecond: 0 }), { code: 'ERR_SSH_OPTION', message: /^bytesPerSecond/ })
    assert.throws(() => network.forget({ idleMs: Number.NaN }), { code: 'ERR_SSH_OPTION', message: /^idleMs is NaN/ })
    const wrong = null as never
    await assert.rejects(badNetwork(wrong), { code: 'ERR_SSH_OPTION', message: /^options is null: give an object/ })
    await assert.rejects(badNetwork({ to: wrong }), { code: 'ERR_SSH_OPTION', message: /^to is null/ })
    for (const call of ['forget', 'swallow', 'stall', 'delay', 'rate'] as const)
      assert.throws(() => network[call](wrong), { name: 'HoldfastError', code: 'ERR_SSH_OPTION' }, call)
    const misspelt = { direktion: 'toServer' } as object
    assert.throws(() => network.stall(misspelt), { message: "direktion is no option; did you mean 'direction'?" })
    assert.throws(() => network.delay({ ms: 1, ...misspelt }), { message: /^direktion is no option/ })
    const direction = 'sideways' as 'toServer'
    assert.throws(() => network.swallow({ direction }), { code: 'ERR_SSH_OPTION', message: /^direction is sideways/ })
  })
})

/** Until the test is over the relay has this time, and no other. */
function stoppedClock(t: TestContext): { now: number } {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  return clock
}

async function next(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString()
}

/** That nothing comes can only be seen by waiting; what does come within the time makes the answer another. */
async function silence(socket: Socket): Promise<string> {
  const heard = ['data', 'end', 'error'].map((event) => once(socket, event).then(() => event))
  const answer = await Promise.race([...heard, pause(100, 'silence')])
  for (const each of heard) each.catch(() => {})
  return answer
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if (holds()) return
    await pause(5)
  }
  assert.fail('it did not come true within 2 s')
}

function states(network: BadNetwork): readonly string[] {
  return network.connections.map(({ state }) => state)
}
