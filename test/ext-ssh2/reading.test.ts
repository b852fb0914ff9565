/** What PHP's functions read, from streams that give more than a server would. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { feof, fgets, fread, ssh2_last_error, stream_get_contents } from 'holdfast/ext-ssh2'
import { given } from './session.js'

setFlagsFromString('--expose-gc')

const MiB = 1024 * 1024
const timeout = 60_000

/** Never ends, and never lets the event loop turn by itself. */
function endless(byte: string): Readable {
  const bytes = Buffer.alloc(MiB / 16, byte)
  return new Readable({
    read() {
      this.push(bytes)
    },
  })
}

const piecesOf = (...texts: readonly string[]): Readable =>
  Readable.from(
    texts.map((text) => Buffer.from(text)),
    { objectMode: false },
  )

/** Without what nobody holds any more. */
function inUse(): number {
  runInNewContext('gc()')
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('what never ends is not held without a bound, and is not asked again', { timeout }, async () => {
  for (const readAll of [(stream: Readable) => fgets(stream), (stream: Readable) => stream_get_contents(stream)]) {
    const stream = endless('x')
    assert.equal(await readAll(stream), false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_MAX_BUFFER')
    // Or a loop until the end would not end.
    assert.equal(feof(stream), true)
    assert.equal(await readAll(stream), false)
    assert.equal(ssh2_last_error(stream)?.code, 'ERR_SSH_MAX_BUFFER')
  }
})

test('what comes a byte at a time takes little more memory than it has bytes', { timeout }, async () => {
  const count = 50_000
  let asked = 0
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      if (asked++ < count) this.push(Buffer.from('x'))
      else this.emit('all')
    },
  })
  const before = inUse()
  const contents = stream_get_contents(stream)
  await once(stream, 'all')
  const each = (inUse() - before) / count
  stream.push(null)
  assert.equal(given(await contents).length, count)
  assert.ok(each < 40, `${Math.round(each)} bytes each`)
})

test('a length is the bound where one is given', { timeout }, async () => {
  const stream = endless('x')
  const bytes = given(await stream_get_contents(stream, 110 * MiB, 'buffer'))
  assert.equal(bytes.length, 110 * MiB)
  assert.equal(given(await fgets(stream, 11)).length, 10)
  stream.destroy()
})

test('a length of -1 is all there is', { timeout }, async () => {
  assert.equal(await stream_get_contents(piecesOf('abc', 'def'), -1), 'abcdef')
})

test('a length of 0 waits for nothing, and takes nothing', { timeout }, async () => {
  const silent = new PassThrough()
  assert.equal(await stream_get_contents(silent, 0), '')
  silent.end('abc')
  assert.equal(await stream_get_contents(silent, 0), '')
  assert.equal(await stream_get_contents(silent), 'abc')
})

test('lengths that are none are mistakes, and take nothing', { timeout }, async () => {
  const stream = piecesOf('abc\n', 'def\n')
  const wrong = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /: Argument #2 \(\$length\) must be greater/ }
  for (const length of [0, -1, -2]) {
    await assert.rejects(fread(stream, length), wrong)
    await assert.rejects(fgets(stream, length), wrong)
  }
  await assert.rejects(stream_get_contents(stream, -2), wrong)
  assert.equal(await fgets(stream, 1), false)
  assert.equal(await stream_get_contents(stream), 'abc\ndef\n')
})

test('the lines of a large piece cost no more than their own bytes', { timeout }, async (t) => {
  const copied = t.mock.method(Buffer, 'concat')
  const stream = Readable.from([Buffer.alloc(16 * MiB, `${'x'.repeat(127)}\n`)], { objectMode: false })
  for (let lines = 0; lines < 1000; lines++) assert.equal(given(await fgets(stream)).length, 128)
  // Each of its lines copied the whole rest before: 16 GiB.
  const sizes = copied.mock.calls.map(({ result }) => result?.length ?? 0)
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= MiB)
  stream.destroy()
})

test('the lines of many pieces that wait come whole and in order', { timeout }, async () => {
  const stream = new PassThrough({ highWaterMark: 64 * MiB })
  const texts = Array.from({ length: 3000 }, (_, at) => `line ${at} ${'y'.repeat(at % 300)}\n`)
  const bytes = Buffer.from(texts.join(''))
  for (let at = 0; at < bytes.length; at += 777) stream.write(bytes.subarray(at, at + 777))
  stream.end()
  for (const text of texts) assert.equal(await fgets(stream), text)
  assert.equal(await fgets(stream), false)
  assert.equal(feof(stream), true)
})

test('who reads what is there lets others have their turn', { timeout }, async () => {
  for (const read of [
    (stream: Readable) => fread(stream, 10),
    (stream: Readable) => fgets(stream, 11),
    (stream: Readable) => stream_get_contents(stream, 10),
  ]) {
    const stream = endless('x')
    let turns = 0
    const immediate = setImmediate(() => turns++)
    for (let calls = 0; calls < 1000; calls++) await read(stream)
    clearImmediate(immediate)
    assert.equal(turns, 1)
    stream.destroy()
  }
  const stream = endless('x')
  let isOver = false
  const immediate = setImmediate(() => {
    isOver = true
  })
  await stream_get_contents(stream, 90 * MiB, 'buffer')
  clearImmediate(immediate)
  assert.equal(isOver, true)
  stream.destroy()
})
