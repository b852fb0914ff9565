import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { ForwardedConnection } from '#src/forward/forward.js'
import { Tunnels } from '#src/forward/tunnels.js'
import {
  decodeChannelOpen,
  decodeChannelOpenFailure,
  decodeGlobalRequest,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelOpen,
  encodeRequestSuccess,
  encodeWindowAdjust,
} from '#src/wire/connection-messages.js'
import { decodeTcpForward, encodeBoundPort, encodeTcpOpening } from '#src/wire/forward-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { loggedIn } from '../support/core/pair.js'

const limits = { dns: 10_000, tcp: 10_000, identification: 10_000 }
const to = { host: '127.0.0.1', port: 9 }

/** Somebody connected to a port at which the server listens. */
function opens(port: number, sender: number, from = '10.0.0.1'): Buffer {
  const data = encodeTcpOpening({ to: { host: '127.0.0.1', port }, originator: { host: from, port: 4000 } })
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
  server.send(opens(4711, 5, 'admin\x1b[2K'))
  await time.run(1)
  const [, connection] = (await failure) as [Error, ForwardedConnection]
  assert.equal(connection.remoteAddress, String.raw`admin\x1b[2K`)
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
