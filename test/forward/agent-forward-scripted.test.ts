import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Agent } from 'holdfast'
import { AgentForward, agentChannelType } from '#src/forward/agent-forward.js'
import type { ServerProof } from '#src/keys/agent.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import {
  decodeChannelData,
  decodeChannelOpenConfirmation,
  decodeChannelOpenFailure,
  encodeBareChannelMessage,
  encodeChannelDataHead,
  encodeChannelOpen,
} from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { scriptedAgent } from '../keys/agent-programs.js'
import { loggedIn } from '../support/core/pair.js'
import { closed } from './local-servers.js'

const limits = { agent: 5000, prompt: 120_000, dns: 10_000, tcp: 10_000 }
const { publicKey } = generatePrivateKey('ssh-ed25519')
const listing = message(Buffer.of(11))

/** An agent whose answers a test can hold back. */
class HeldAgent implements Agent {
  readonly name = 'the agent of the test'
  asked = 0
  aborted = 0
  answers: () => Promise<void> = async () => {}

  async identities(signal: AbortSignal) {
    this.asked++
    signal.addEventListener('abort', () => this.aborted++)
    await this.answers()
    return [{ publicKey, comment: '' }]
  }

  sign(): Promise<Buffer> {
    throw new RangeError('nobody asks for that')
  }
}

function message(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0, 0, 0, bytes.length), bytes])
}

function opens(sender: number, window = 2 ** 20): Buffer {
  return encodeChannelOpen({ type: agentChannelType, sender, window, maxPacket: 32_768, data: Buffer.alloc(0) })
}

function unproven(): undefined {}

/** A client that lends an agent, and a server that does what a test says. */
async function lending(t: TestContext, agent: Agent | string, proof: () => ServerProof | undefined = unproven) {
  const made: { forward?: AgentForward } = {}
  const joined = await loggedIn({
    client: {
      keepalive: { interval: false, countMax: 3, wantReply: true, tcp: false },
      handlers: {
        channelOpen: () => made.forward?.channelOpen() ?? { refuse: 1, description: '' },
        globalRequest: () => undefined,
      },
    },
  })
  const { client, server, time } = joined
  t.after(() => client.connection.streamEnded())
  const forward = new AgentForward({ port: client.connection, agent, limits, proof })
  made.forward = forward
  const heard = (number: number): readonly Buffer[] => server.heard.filter((payload) => payload.readUInt8(0) === number)
  /** Opens one, and gives the number by which the client knows it. */
  const open = async (sender: number, window?: number): Promise<number> => {
    const before = heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length
    server.send(opens(sender, window))
    await time.until(() => heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length > before)
    const confirmed = heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).at(-1) ?? Buffer.alloc(0)
    return decodeChannelOpenConfirmation(confirmed).sender
  }
  const send = (channel: number, bytes: Buffer): void =>
    server.send(Buffer.concat([encodeChannelDataHead(channel, bytes.length), bytes]))
  const answered = (): Buffer =>
    Buffer.concat(heard(messageNumber.CHANNEL_DATA).map((payload) => decodeChannelData(payload).data))
  const closedHere = (): number => heard(messageNumber.CHANNEL_CLOSE).length
  return { ...joined, forward, heard, open, send, answered, closedHere }
}

async function warningOf(what: RegExp): Promise<void> {
  for (;;) {
    const [warning] = (await once(process, 'warning')) as [Error]
    if (what.test(warning.message)) return
  }
}

test('a server that was lent no agent gets none, and the connection lives', async (t) => {
  const agent = new HeldAgent()
  const { time, server, forward, heard, open, client } = await lending(t, agent)
  const warned = warningOf(/agent forwarding to .*: the server tried to use the agent, which was not lent to it/)
  server.send(opens(5), opens(6))
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 2)
  const [refusal = Buffer.alloc(0)] = heard(messageNumber.CHANNEL_OPEN_FAILURE)
  assert.deepEqual(decodeChannelOpenFailure(refusal), {
    recipient: 5,
    reason: 1,
    description: 'no agent was forwarded',
  })
  await warned
  forward.offer()
  forward.answered(false)
  server.send(opens(7))
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 3)
  assert.deepEqual([client.cause, agent.asked], [undefined, 0])
  forward.offer()
  await open(8)
  assert.equal(client.cause, undefined)
})

test('a refusal takes nothing back that was granted to another session', async (t) => {
  const { forward, open } = await lending(t, new HeldAgent())
  for (const isGranted of [true, false]) {
    forward.offer()
    forward.answered(isGranted)
  }
  await open(5)
})

test('one message is answered before the next is read, whole or in pieces', async (t) => {
  const agent = new HeldAgent()
  const waiting: (() => void)[] = []
  agent.answers = () => new Promise((resolve) => waiting.push(resolve))
  const { time, forward, open, send, answered, heard, server } = await lending(t, agent)
  forward.offer()
  const channel = await open(5)
  const unknown = message(Buffer.of(200, 1, 2, 3))
  for (const byte of listing) send(channel, Buffer.of(byte))
  send(channel, Buffer.concat([listing, unknown, listing.subarray(0, 3)]))
  await time.run(100)
  assert.deepEqual([agent.asked, answered().length], [1, 0])
  waiting.shift()?.()
  await time.until(() => agent.asked === 2)
  waiting.shift()?.()
  await time.run(100)
  const identities = answered().subarray(0, answered().readUInt32BE(0) + 4)
  const failure = message(Buffer.of(5))
  assert.ok(answered().equals(Buffer.concat([identities, identities, failure])))
  assert.ok(identities.includes(publicKey.blob))
  // The end of the questions is the end of the answers.
  server.send(encodeBareChannelMessage('CHANNEL_EOF', channel))
  assert.ok(await time.until(() => heard(messageNumber.CHANNEL_CLOSE).length === 1))
  assert.equal(heard(messageNumber.CHANNEL_EOF).length, 1)
})

test('who does not read the answers is asked no further questions', async (t) => {
  const agent = new HeldAgent()
  const { time, forward, open, send, client } = await lending(t, agent)
  forward.offer()
  const channel = await open(5, 100)
  const many = Buffer.concat(Array.from({ length: 1000 }, () => listing))
  for (let sent = 0; sent < 40; sent++) send(channel, many)
  await time.run(10_000)
  assert.ok(agent.asked < 2000, `${agent.asked} were answered`)
  const [{ receiveWindow } = { receiveWindow: 0 }] = client.connection.channels
  assert.ok(receiveWindow > 0)
})

test('a message of any other size than the protocol allows ends its channel alone', async (t) => {
  for (const size of [0, 256 * 1024 + 1, 2 ** 32 - 1]) {
    const agent = new HeldAgent()
    const { time, forward, open, send, closedHere, client } = await lending(t, agent)
    forward.offer()
    const channel = await open(5)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(size)
    send(channel, head)
    assert.ok(await time.until(() => closedHere() === 1))
    assert.deepEqual([client.cause, agent.asked], [undefined, 0])
  }
})

test('sixteen use the agent at once and no more, those among them that the server never closes', async (t) => {
  const { time, server, forward, heard, closedHere } = await lending(t, '/nowhere/agent')
  forward.offer()
  server.send(...Array.from({ length: 20 }, (_, sender) => opens(sender)))
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 4)
  while (closedHere() < 16) {
    await new Promise(setImmediate)
    await time.run(1)
  }
  server.send(opens(20))
  await time.until(() => heard(messageNumber.CHANNEL_OPEN_FAILURE).length === 5)
  assert.equal(heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length, 16)
  const reasons = heard(messageNumber.CHANNEL_OPEN_FAILURE).map((payload) => decodeChannelOpenFailure(payload).reason)
  assert.deepEqual(new Set(reasons), new Set([4]))
})

test('an agent that does not answer is waited for as long as for a person, and let go of', async (t) => {
  const agent = new HeldAgent()
  agent.answers = () => new Promise(() => {})
  const { time, forward, open, send, closedHere } = await lending(t, agent)
  forward.offer()
  send(await open(5), listing)
  await time.run(119_000)
  assert.deepEqual([closedHere(), agent.aborted], [0, 0])
  const warned = warningOf(/the answer of the agent that is forwarded did not come within the limit prompt/)
  await time.run(2000)
  assert.deepEqual([closedHere(), agent.aborted], [1, 1])
  await warned
})

test('a connection to the agent ends with the channel, or the connection, that it is for', async (t) => {
  const sockets: Socket[] = []
  const path = await scriptedAgent(t, (socket) => void sockets.push(socket.resume()))
  const { time, server, forward, open, send, client } = await lending(t, path)
  forward.offer()
  const channels = [await open(5), await open(6)]
  for (const channel of channels) send(channel, listing)
  const arrived = async (count: number): Promise<void> => {
    while (sockets.filter(({ bytesRead }) => bytesRead === listing.length).length < count) {
      await new Promise(setImmediate)
      await time.run(1)
    }
  }
  await arrived(2)
  const [first, second] = sockets
  assert.ok(first && second)
  server.send(encodeBareChannelMessage('CHANNEL_EOF', channels[0] ?? 0))
  server.send(encodeBareChannelMessage('CHANNEL_CLOSE', channels[0] ?? 0))
  await time.run(1)
  await closed(first)
  assert.equal(second.closed, false)
  client.connection.streamEnded()
  await closed(second)
  assert.equal(client.waits.size, 0)
})

test('an agent that goes on with what nobody waits for is not asked without end', async (t) => {
  const agent = new HeldAgent()
  agent.answers = () => new Promise(() => {})
  const { time, forward, send, heard, server } = await lending(t, agent)
  forward.offer()
  for (let sender = 0; sender < 100; sender++) {
    const before = heard(messageNumber.CHANNEL_OPEN_CONFIRMATION).length
    server.send(opens(sender))
    await time.run(50)
    const confirmed = heard(messageNumber.CHANNEL_OPEN_CONFIRMATION)
    if (confirmed.length === before) break
    const { sender: channel } = decodeChannelOpenConfirmation(confirmed.at(-1) ?? Buffer.alloc(0))
    send(channel, listing)
    await time.run(50)
    server.send(encodeBareChannelMessage('CHANNEL_CLOSE', channel))
    await time.run(50)
  }
  assert.deepEqual([agent.asked, agent.aborted], [16, 16])
})

const proof = { hostKey: publicKey.blob, sessionId: Buffer.alloc(32, 7), signature: Buffer.from('signed') }

/** As PROTOCOL.agent has it: who is asked for, which session, the signature over it, and that it is forwarded. */
function binding(): Buffer {
  const fields = ['session-bind@openssh.com', proof.hostKey, proof.sessionId, proof.signature].map((field) => {
    const bytes = Buffer.from(field)
    return Buffer.concat([Buffer.of(0, 0, 0, bytes.length), bytes])
  })
  return Buffer.concat([Buffer.of(27), ...fields, Buffer.of(1)])
}

test('an agent is told through which server it is asked before all else, and may know nothing of that', async (t) => {
  const came: Buffer[] = []
  const path = await scriptedAgent(t, (socket) => {
    socket.on('data', (bytes: Buffer) => {
      came.push(bytes)
      socket.write(message(Buffer.of(5)))
    })
  })
  const { time, forward, open, send, answered } = await lending(t, path, () => proof)
  forward.offer()
  send(await open(5), listing)
  while (answered().length === 0) {
    await new Promise(setImmediate)
    await time.run(1)
  }
  assert.deepEqual(came, [message(binding()), listing])
  assert.deepEqual(answered(), message(Buffer.of(5)))
})

test('an agent that says nothing to that is waited for as for any agent', async (t) => {
  const path = await scriptedAgent(t, (socket) => void socket.resume())
  const { time, forward, open, send, closedHere } = await lending(t, path, () => proof)
  forward.offer()
  send(await open(5), listing)
  const until = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      await new Promise(setImmediate)
      await time.run(100)
    }
  }
  await until(4000)
  assert.equal(closedHere(), 0)
  await until(3000)
  assert.equal(closedHere(), 1)
})
