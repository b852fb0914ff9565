import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import type { ForwardedConnection } from '#src/forward/forward.js'
import type { RemoteForwardOptions } from '#src/forward/listen-options.js'
import { Tunnels } from '#src/forward/tunnels.js'
import {
  decodeChannelOpen,
  decodeChannelOpenFailure,
  decodeGlobalRequest,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelOpen,
  encodeRequestFailure,
  encodeRequestSuccess,
  encodeWindowAdjust,
} from '#src/wire/connection-messages.js'
import { decodeTcpForward, encodeBoundPort, encodeTcpOpening } from '#src/wire/forward-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { loggedIn } from '../support/core/pair.js'
import { echo, tcpServer } from './local-servers.js'

const limits = { dns: 10_000, tcp: 10_000, identification: 10_000, channelClose: 2000 }
const to = { host: '127.0.0.1', port: 9 }

/** Somebody connected to a port at which the server listens. */
function opens(port: number, sender: number, { from = '10.0.0.1', host = '127.0.0.1' } = {}): Buffer {
  const data = encodeTcpOpening({ to: { host, port }, originator: { host: from, port: 4000 } })
  return encodeChannelOpen({ type: 'forwarded-tcpip', sender, window: 100, maxPacket: 100, data })
}

/** A client with tunnels, and a server that does what a test says and answers no global request by itself. */
async function scripted() {
  const made: { tunnels?: Tunnels } = {}
  const joined = await loggedIn({
    client: {
      keepalive: { interval: false, countMax: 3, wantReply: true, tcp: false },
      handlers: {
        channelOpen: (type, data) => made.tunnels?.channelOpen(type, data) ?? { refuse: 1, description: '' },
        globalRequest: () => undefined,
      },
    },
  })
  const tunnels = new Tunnels(joined.client.connection, limits)
  made.tunnels = tunnels
  const { server } = joined
  server.before = (payload) => payload.readUInt8(0) === messageNumber.GLOBAL_REQUEST
  const heard = (number: number): readonly Buffer[] => server.heard.filter((payload) => payload.readUInt8(0) === number)
  const requests = (): readonly string[] =>
    heard(messageNumber.GLOBAL_REQUEST).map((payload) => {
      const { name, data } = decodeGlobalRequest(payload)
      return `${name} ${decodeTcpForward(data).port}`
    })
  return { ...joined, tunnels, heard, requests }
}

test('a connection that comes right behind the port that the server took is passed on', async () => {
  const { time, server, tunnels, heard, requests } = await scripted()
  const listening = tunnels.forwardRemote({ to })
  await time.until(() => requests().length === 1)
  server.send(encodeRequestSuccess(encodeBoundPort(4711)))
  server.send(opens(4711, 5))
  const outcome = await time.outcome(listening, 1000)
  assert.ok(outcome.status === 'fulfilled')
  const forward = outcome.value
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length === 1)
  assert.deepEqual([forward.address, forward.stats().accepted], [{ host: '127.0.0.1', port: 4711 }, 1])
  void forward.close()
  await time.until(() => requests().length === 2)
  assert.deepEqual(requests(), ['tcpip-forward 0', 'cancel-tcpip-forward 4711'])
})

test('a place that the server takes after its caller gave up is given back', async () => {
  const { time, server, tunnels, requests } = await scripted()
  const outcome = await time.outcome(tunnels.forwardRemote({ to }), 60_000)
  assert.ok(outcome.status === 'rejected' && outcome.atMs < 20_000)
  server.send(encodeRequestSuccess(encodeBoundPort(4711)))
  await time.until(() => requests().length === 2)
  assert.deepEqual(requests(), ['tcpip-forward 0', 'cancel-tcpip-forward 4711'])
})

test('who a server says that a connection comes from is safe to show', async () => {
  const { time, server, tunnels, requests } = await scripted()
  const listening = tunnels.forwardRemote({ to })
  await time.until(() => requests().length === 1)
  server.send(encodeRequestSuccess(encodeBoundPort(4711)))
  const outcome = await time.outcome(listening, 1000)
  assert.ok(outcome.status === 'fulfilled')
  const forward = outcome.value
  const failure = once(forward, 'failure')
  server.send(opens(4711, 5, { from: 'admin\x1b[2K' }))
  await time.run(1)
  const [, connection] = (await failure) as [Error, ForwardedConnection]
  assert.equal(connection.remoteAddress, String.raw`admin\x1b[2K`)
})

/** A remote forward at this port, which the server has granted. */
async function granted(
  world: Awaited<ReturnType<typeof scripted>>,
  port: number,
  options: Partial<RemoteForwardOptions> = {},
) {
  const asked = world.requests().length
  const listening = world.tunnels.forwardRemote({ listen: { port }, to, ...options })
  await world.time.until(() => world.requests().length > asked)
  world.server.send(encodeRequestSuccess())
  const outcome = await world.time.outcome(listening, 1000)
  assert.ok(outcome.status === 'fulfilled')
  return outcome.value
}

test('a server that does not answer holds up the close of a forward for two seconds', async () => {
  const world = await scripted()
  const forward = await granted(world, 4711)
  const closedAt = world.time.now()
  const outcome = await world.time.outcome(forward.close(), 60_000)
  assert.ok(outcome.status === 'fulfilled')
  const tookMs = outcome.atMs - closedAt
  assert.ok(tookMs >= 2000 && tookMs < 2100, `${tookMs} ms`)
  assert.equal(world.client.waits.size, 0)
})

test('a late answer to the end of a forward is not taken for that to the next at the same place', async () => {
  for (const late of [encodeRequestSuccess(), encodeRequestFailure()]) {
    const world = await scripted()
    const { time, server, tunnels, heard, requests } = world
    const first = await granted(world, 4711)
    await time.outcome(first.close(), 60_000)
    const listening = tunnels.forwardRemote({ listen: { port: 4711 }, to })
    await time.until(() => requests().length === 3)
    server.send(opens(4711, 5))
    await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 1)
    server.send(late, encodeRequestSuccess(), opens(4711, 6))
    const outcome = await time.outcome(listening, 1000)
    assert.ok(outcome.status === 'fulfilled')
    await time.until(() => heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length === 1)
    assert.deepEqual([first.stats().accepted, outcome.value.stats().accepted], [0, 1])
    assert.deepEqual(requests(), ['tcpip-forward 4711', 'cancel-tcpip-forward 4711', 'tcpip-forward 4711'])
  }
})

test('what still comes from a place that is given up is not passed on to another at the same port', async () => {
  const world = await scripted()
  const { time, server, heard } = world
  const first = await granted(world, 4711)
  const other = await granted(world, 4711, { listen: { host: '10.0.0.9', port: 4711 } })
  void first.close()
  await time.run(1)
  server.send(opens(4711, 5))
  assert.ok(await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 1))
  server.send(opens(4711, 6, { host: '10.0.0.9' }))
  assert.ok(await time.until(() => heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length === 1))
  assert.equal(other.stats().accepted, 1)
})

const shortage = { reason: 4, description: 'too many connections at once' }

test('a server opens no more connections at once than the forward takes', async (t) => {
  const world = await scripted()
  const { time, server, heard } = world
  const target = { host: '127.0.0.1', port: await tcpServer(t, echo) }
  const forward = await granted(world, 4711, { to: target, maxConnections: 3 })
  const failures: unknown[] = []
  forward.on('failure', (error) => failures.push(error.message))
  server.send(...[1, 2, 3, 4, 5].map((sender) => opens(4711, sender)))
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 2)
  assert.deepEqual([heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length, forward.connections], [3, 3])
  const refused = heard(messageNumber.CHANNEL_OPEN_FAILURE).map(decodeChannelOpenFailure)
  assert.deepEqual(
    refused,
    [4, 5].map((recipient) => ({ recipient, ...shortage })),
  )
  assert.equal(failures.filter((text) => /more than 3 connections at once/.test(String(text))).length, 2)
})

test('neither does one that closes them before they are passed on, or never closes what was closed here', async () => {
  for (const closes of [true, false]) {
    const world = await scripted()
    const { time, server, heard, client } = world
    const forward = await granted(world, 4711)
    // The numbers of the client's channels are known, as it has opened none.
    const payloads = Array.from({ length: 256 }, (_, sender) =>
      closes ? [opens(4711, sender), encodeBareChannelMessage('CHANNEL_CLOSE', sender)] : [opens(4711, sender)],
    ).flat()
    server.send(...payloads, ...Array.from({ length: 44 }, (_, sender) => opens(4711, 256 + sender)))
    await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length > 0)
    assert.equal(heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length, 256)
    if (closes) continue
    // Nobody listens there: each is closed here, and is the server's to close before another is opened in its place.
    while (forward.connections > 0) await new Promise(setImmediate)
    server.send(opens(4711, 999))
    await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 45)
    assert.equal([...client.connection.channels].length, 256)
  }
})

test('a connection that nobody asked for is refused', async () => {
  const { time, server, heard } = await scripted()
  server.send(opens(22, 5))
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 1)
  const [refusal = Buffer.alloc(0)] = heard(messageNumber.CHANNEL_OPEN_FAILURE)
  assert.deepEqual(decodeChannelOpenFailure(refusal), {
    recipient: 5,
    reason: 1,
    description: 'forwarded-tcpip channels are not accepted',
  })
})

/** A tunnel, and the number by which the server speaks of it. */
async function opened() {
  const world = await scripted()
  const outcome = await world.time.outcome(world.tunnels.connectTo(to), 1000)
  assert.ok(outcome.status === 'fulfilled')
  const tunnel = outcome.value
  const { sender } = decodeChannelOpen(world.heard(messageNumber.CHANNEL_OPEN)[0] ?? Buffer.alloc(0))
  const data = (text: string): void =>
    world.server.send(Buffer.concat([encodeChannelDataHead(sender, text.length), Buffer.from(text)]))
  return { ...world, tunnel, sender, data }
}

test('CLOSE without EOF ends a tunnel whose data came before', async () => {
  const { time, server, tunnel, sender, data } = await opened()
  data('last words')
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', sender))
  const outcome = await time.outcome(tunnel.toArray(), 1000)
  assert.ok(outcome.status === 'fulfilled')
  assert.deepEqual([Buffer.concat(outcome.value).toString(), tunnel.errored], ['last words', null])
  assert.ok(await time.until(() => tunnel.closed))
})

test('CLOSE fails what was written and not sent, and so it does what is written later', async () => {
  const { time, server, tunnel, sender } = await opened()
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', sender))
  await time.run(1)
  tunnel.write('too late')
  await time.until(() => tunnel.closed, 1000)
  assert.match(String(tunnel.errored), /closed before it took all/)
  const other = await opened()
  other.tunnel.write(Buffer.alloc(10_000_000))
  await other.time.run(1)
  other.server.send(encodeWindowAdjust(other.sender, 1))
  other.server.send(encodeBareChannelMessage('CHANNEL_CLOSE', other.sender))
  await other.time.until(() => other.tunnel.closed)
  assert.match(String(other.tunnel.errored), /closed before it took all/)
})

test('what came before CLOSE is read, also where the peer takes no more of what is written', async () => {
  for (const isWrittenBefore of [true, false]) {
    const { time, server, tunnel, sender, data } = await opened()
    if (isWrittenBefore) tunnel.write(Buffer.alloc(10_000_000))
    const read: string[] = []
    tunnel.on('data', (bytes: Buffer) => read.push(bytes.toString())).pause()
    await time.run(1)
    data('refused')
    server.send(encodeBareChannelMessage('CHANNEL_CLOSE', sender))
    await time.run(1)
    if (!isWrittenBefore) tunnel.write('more')
    await time.run(1)
    assert.deepEqual([tunnel.destroyed, read], [false, []])
    tunnel.resume()
    assert.ok(await time.until(() => tunnel.closed))
    assert.deepEqual(read, ['refused'])
    assert.match(String(tunnel.errored), /closed before it took all/)
  }
})

test('a write that waits ends with its tunnel, though somebody waits to read', async () => {
  for (const closesBefore of [true, false]) {
    const { time, server, tunnel, sender } = await opened()
    tunnel.on('readable', () => {})
    const ends: boolean[] = []
    tunnel.write(Buffer.alloc(10_000_000), (error) => ends.push(Boolean(error)))
    tunnel.write('and more', (error) => ends.push(Boolean(error)))
    await time.run(1)
    if (closesBefore) server.send(encodeBareChannelMessage('CHANNEL_CLOSE', sender))
    await time.run(1)
    assert.deepEqual(ends, [])
    tunnel.destroy()
    assert.ok(await time.until(() => ends.length === 2))
    assert.deepEqual(ends, [true, true])
    assert.ok(await time.until(() => tunnel.closed))
  }
})

test('who leaves does not wait for what nobody reads and nobody takes', async () => {
  for (const leavesBefore of [true, false]) {
    const { time, server, tunnel, sender, data } = await opened()
    tunnel.on('data', () => {}).pause()
    tunnel.write(Buffer.alloc(10_000_000))
    await time.run(1)
    data('refused')
    if (leavesBefore) tunnel.destroySoon()
    server.send(encodeBareChannelMessage('CHANNEL_CLOSE', sender))
    await time.run(1)
    if (!leavesBefore) tunnel.destroySoon()
    assert.ok(await time.until(() => tunnel.closed))
  }
})

/** A client of a local forward that sends and does not read, and what the server knows the tunnel by. */
async function uploading(t: TestContext) {
  const world = await scripted()
  const { time, tunnels, heard } = world
  t.after(() => world.client.connection.streamEnded())
  const forward = await tunnels.forwardLocal({ to })
  const { host = '', port = 0 } = forward.address
  const client = net.connect({ host, port, allowHalfOpen: true }).pause()
  client.on('error', () => {}).write(Buffer.alloc(20_000_000))
  t.after(() => client.destroy())
  /** Both the simulated time and that of the sockets pass. */
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      await new Promise(setImmediate)
      await time.run(1)
    }
  }
  // The server takes a megabyte, and no more.
  const taken = (): number => heard(messageNumber.CHANNEL_DATA).reduce((sum, { length }) => sum + length - 9, 0)
  await until(() => taken() === 2 ** 20)
  const { sender } = decodeChannelOpen(heard(messageNumber.CHANNEL_OPEN)[0] ?? Buffer.alloc(0))
  return { ...world, forward, client, until, sender }
}

test('what the far side said before it closed reaches a client that is still sending', async (t) => {
  const { server, client, forward, until, sender } = await uploading(t)
  const packet = Buffer.alloc(30_000, 'answer')
  const answer = Array.from({ length: 60 }, () => Buffer.concat([encodeChannelDataHead(sender, packet.length), packet]))
  server.send(
    ...answer,
    ...(['CHANNEL_EOF', 'CHANNEL_CLOSE'] as const).map((end) => encodeBareChannelMessage(end, sender)),
  )
  await until(() => forward.stats().bytesReceived === 60 * packet.length)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  assert.equal((await buffer(client)).length, 60 * packet.length)
  client.destroy()
  await until(() => forward.connections === 0)
})

test('a client that goes on sending to nobody is cut off in the end', async (t) => {
  const { server, client, forward, time, until, sender } = await uploading(t)
  server.send(...(['CHANNEL_EOF', 'CHANNEL_CLOSE'] as const).map((end) => encodeBareChannelMessage(end, sender)))
  client.resume()
  await until(() => client.readableEnded)
  for (let second = 0; second < 28; second++) {
    client.write('more')
    await time.run(1000)
  }
  assert.deepEqual([forward.connections, client.destroyed], [1, false])
  await time.run(2000)
  await until(() => forward.connections === 0)
  client.write('more')
  await until(() => client.destroyed)
})
