import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flow, leastUnderWay, mostUnderWay } from '#src/sftp/flow.js'

const piece = 255 * 1024

/**
 * Reads for a while as a session does: as much is under way as the flow lets, and the link brings so much a millisecond.
 * @returns what may be under way in the end
 */
function read(
  flow: Flow,
  { roundTripMs, bytesPerMs, ms }: Readonly<Record<'roundTripMs' | 'bytesPerMs' | 'ms', number>>,
) {
  const underWay: { readonly sentAt: number; readonly dueAt: number }[] = []
  let linkFreeAt = 0
  for (let now = 0; now < ms; now += 0.05) {
    while ((underWay.length + 1) * piece <= flow.readerBytes) {
      linkFreeAt = Math.max(linkFreeAt, now + roundTripMs) + piece / bytesPerMs
      underWay.push({ sentAt: now, dueAt: linkFreeAt })
    }
    for (let first = underWay[0]; first !== undefined && first.dueAt <= now; first = underWay[0]) {
      flow.answered(first.sentAt, now)
      flow.moved(piece, underWay.length * piece, now)
      underWay.shift()
    }
  }
  return flow.readerBytes
}

test('near by nothing more is under way, however fast it is', () => {
  assert.equal(read(new Flow(), { roundTripMs: 0.3, bytesPerMs: 1e6, ms: 1000 }), leastUnderWay)
})

test('on a slow link nothing more is under way, however far it is', () => {
  assert.equal(read(new Flow(), { roundTripMs: 300, bytesPerMs: 48, ms: 100_000 }), leastUnderWay)
})

test('far away as much more is under way as the link takes, and soon', () => {
  assert.equal(read(new Flow(), { roundTripMs: 50, bytesPerMs: 500_000, ms: 500 }), mostUnderWay)
  const bytes = read(new Flow(), { roundTripMs: 50, bytesPerMs: 80_000, ms: 2000 })
  assert.ok(bytes > 4e6 && bytes < 12e6, `${bytes}`)
})

test('a link that gets slower gets less', () => {
  const flow = new Flow()
  read(flow, { roundTripMs: 50, bytesPerMs: 200_000, ms: 2000 })
  assert.ok(read(flow, { roundTripMs: 50, bytesPerMs: 10_000, ms: 10_000 }) < 1.5 * leastUnderWay)
})

test('what is read now and then takes hardly anything away from what is known of the link', () => {
  const flow = new Flow()
  const most = read(flow, { roundTripMs: 50, bytesPerMs: 500_000, ms: 2000 })
  for (let now = 3000; now < 10_000; now += 100) {
    flow.answered(now, now + 50)
    flow.moved(1000, 1000, now + 50)
  }
  assert.ok(flow.readerBytes >= 0.9 * most)
})

test('however many read, each asks for whole bytes', () => {
  const flow = new Flow()
  for (let readers = 0; readers < 40; readers++, flow.join()) {
    assert.ok(Number.isInteger(flow.firstBytes) && flow.firstBytes > 0, `${flow.firstBytes} for ${readers} readers`)
  }
})

test('readers share it, so that one whom nobody reads does not keep it all', () => {
  const flow = new Flow()
  const most = read(flow, { roundTripMs: 50, bytesPerMs: 500_000, ms: 2000 })
  for (let readers = 1; readers <= 100; readers++) flow.join()
  assert.equal(flow.readerBytes, leastUnderWay)
  for (let readers = 100; readers > 1; readers--) flow.leave()
  assert.equal(flow.readerBytes, most)
})
