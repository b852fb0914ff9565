import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { agentMessages, framed } from '#src/keys/agent-messages.js'

test('messages are found again however they are cut', async () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), async (sent, sizes) => {
      const bytes = Buffer.concat(sent.map((message) => framed(Buffer.from(message))))
      const came = await all(cut(bytes, sizes))
      assert.deepEqual(
        came.map((message) => message.toString('hex')),
        sent.map((message) => Buffer.from(message).toString('hex')),
      )
    }),
  )
})

test('a message is given before what follows it is read', async () => {
  const messages = agentMessages(twoAndABit(), 'the agent')
  assert.deepEqual((await messages.next()).value, Buffer.of(1))
  assert.deepEqual((await messages.next()).value, Buffer.of(2))
  await assert.rejects(messages.next(), /read on/)
})

test('a length that is not allowed is said of who sent it', async () => {
  for (const length of [0, 256 * 1024 + 1, 0xff_ff_ff_ff]) {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(length)
    await assert.rejects(all(cut(head, [1])), {
      code: 'ERR_SSH_AGENT',
      message: `the agent sent a message of ${length} bytes, where 1 to 262144 are allowed`,
    })
  }
})

test('a message that comes a byte at a time takes little more memory than it is long', async () => {
  setFlagsFromString('--expose-gc')
  const length = 256 * 1024
  let tookBytes = 0
  async function* stream(): AsyncGenerator<Buffer> {
    const before = inUse()
    yield Buffer.of(0, 4, 0, 0)
    for (let sent = 1; sent < length; sent++) yield Buffer.from([1])
    tookBytes = inUse() - before
    yield Buffer.of(1)
  }
  const { value } = await agentMessages(stream(), 'the agent').next()
  assert.deepEqual(value, Buffer.alloc(length, 1))
  assert.ok(tookBytes < 8 * length, `${Math.round(tookBytes / length)} bytes for each`)
})

test('many messages in one piece take time by their number alone', async () => {
  const count = 200_000
  const message = framed(Buffer.of(1))
  const bytes = Buffer.alloc(count * message.length, message)
  const since = process.cpuUsage()
  let came = 0
  for await (const { length } of agentMessages(cut(bytes, [bytes.length]), 'the agent')) came += length
  assert.equal(came, count)
  // Not by the clock: on a machine that is busy this waits for its turn.
  const { user, system } = process.cpuUsage(since)
  assert.ok(user + system < 5_000_000, `${user + system} µs`)
})

async function* twoAndABit(): AsyncGenerator<Buffer> {
  yield Buffer.concat([framed(Buffer.of(1)), framed(Buffer.of(2)), Buffer.of(0)])
  throw new Error('read on')
}

async function all(stream: AsyncIterable<Buffer>): Promise<readonly Buffer[]> {
  const messages: Buffer[] = []
  for await (const message of agentMessages(stream, 'the agent')) messages.push(message)
  return messages
}

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
    const piece = Buffer.from(bytes.subarray(offset, offset + (sizes[turn % sizes.length] ?? 1)))
    yield piece
    offset += piece.length
    piece.fill(0)
  }
}

/** Bytes without what nobody holds any more. */
function inUse(): number {
  runInNewContext('gc()')
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
