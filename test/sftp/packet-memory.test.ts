import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeLimits } from '#src/sftp/extension-data.js'
import { PacketMemory } from '#src/sftp/packet-memory.js'
import { contented, scriptedSftp } from './scripted.js'

const large = 200_000
/** What the server is asked for at once. */
const piece = 255 * 1024

test('memory is used again only once it was given back', () => {
  const memory = new PacketMemory()
  const first = memory.take(large)
  const second = memory.take(large)
  assert.notEqual(first.buffer, second.buffer)
  memory.giveBack(first)
  assert.equal(memory.take(large - 1).buffer, first.buffer)
  assert.equal(memory.take(large).length, large)
})

test('a packet that needs more gets more, and small ones are not kept', () => {
  const memory = new PacketMemory()
  memory.giveBack(memory.take(large))
  assert.equal(memory.take(large + 1).length, large + 1)
  const small = memory.take(100)
  memory.giveBack(small)
  assert.notEqual(memory.take(100).byteOffset, small.byteOffset)
})

test('what is kept does not grow with what is given back, and can be let go', () => {
  const memory = new PacketMemory()
  const taken = Array.from({ length: 10 }, () => memory.take(large))
  for (const packet of taken) memory.giveBack(packet)
  const again = new Set(Array.from({ length: 10 }, () => memory.take(large).buffer))
  assert.equal(taken.filter(({ buffer }) => again.has(buffer)).length, 8)
  for (const packet of taken) memory.giveBack(packet)
  memory.clear()
  assert.ok(!taken.some(({ buffer }) => buffer === memory.take(large).buffer))
})

test('a transfer uses its memory again also where all was answered before it goes on, and leaves none behind', async (t) => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits'] })
  const most = BigInt(piece)
  sftpServer.answer = (request) => {
    if (request.type === 'READ') return { type: 'DATA', data: Buffer.alloc(request.length) }
    if (request.type !== 'EXTENDED') return contented(request)
    return { type: 'EXTENDED_REPLY', data: encodeLimits({ packet: 0n, read: most, write: most, handles: 0n }) }
  }
  const sftp = await open()
  const file = await time.value(sftp.open('/large'))
  const taking = t.mock.method(PacketMemory.prototype, 'take')
  const buffersOfRead = async (): Promise<readonly unknown[]> => {
    taking.mock.resetCalls()
    await time.value(file.read(Buffer.alloc(40 * piece)))
    return taking.mock.calls.flatMap(({ result }) =>
      result !== undefined && result.length >= piece ? [result.buffer] : [],
    )
  }
  const first = await buffersOfRead()
  assert.equal(first.length, 40)
  // As many as are under way at a time.
  assert.equal(new Set(first).size, 8)
  const second = await buffersOfRead()
  assert.ok(!second.some((buffer) => first.includes(buffer)))
})

test('a long path leaves no memory of others to be written to by the next large write', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'STAT' ? undefined : contented(request))
  // They come out of Node's pool, as the packet of a long path may: it lies before, between or behind them.
  const others: Buffer[] = []
  for (let round = 0; round < 30; round++) {
    for (let count = 0; count < 20 + round; count++) others.push(Buffer.allocUnsafe(1000).fill(7))
    const asked = time.value(sftp.stat(`/${'x'.repeat(17_000)}`))
    await time.run(10)
    await time.value(sftp.writeFile('/large', Buffer.alloc(30_000, 1)))
    sftpServer.reply(sftpServer.idOf('STAT'), { type: 'ATTRS', attributes: {} })
    await asked
  }
  assert.ok(others.every((buffer) => buffer.every((byte) => byte === 7)))
})
