import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Growth } from '#src/connection/growth.js'
import { ReceiveWindow } from '#src/connection/window.js'

const mebibyte = 2 ** 20
const size = 2 * mebibyte
const sizeMax = 32 * mebibyte
const packet = 32 * 1024

/** What a window grants while its consumer takes packets at a steady pace: how many bytes, and how often. */
function grants(
  packets: number,
  everyMs: number,
  bytes = packet,
): { readonly granted: number; readonly times: number } {
  const window = new ReceiveWindow(size, 0, new Growth(size))
  let granted = 0
  let times = 0
  for (let count = 1; count <= packets; count++) {
    assert.ok(window.received(bytes))
    const grant = window.consumed(bytes, count * everyMs)
    granted += grant
    if (grant > 0) times++
    assert.equal(window.left, size - count * bytes + granted)
  }
  return { granted, times }
}

test('a fast link is granted half a window at a time', () => {
  assert.deepEqual(grants(64, 0.1), { granted: size, times: 2 })
})

test('a long link is granted 128 KiB at a time, so that nearly all of the window is on its way', () => {
  assert.deepEqual(grants(64, 2), { granted: size, times: 16 })
})

test('a slow link is granted what was taken once a second', () => {
  assert.deepEqual(grants(20, 650), { granted: 20 * packet, times: 10 })
})

test('small talk is granted nothing', () => {
  assert.deepEqual(grants(100, 1500, 80), { granted: 0, times: 0 })
})

test('a peer that may send nothing at all is granted whatever was taken', () => {
  const window = new ReceiveWindow(1000, 0, new Growth(1000))
  assert.ok(window.received(1000))
  assert.ok(!window.received(1))
  assert.equal(window.consumed(1, 0), 1)
  assert.equal(window.left, 1)
})

interface LinkOptions {
  readonly roundTripMs: number
  /** What it moves. */
  readonly bytesPerMs: number
  /** What of it the consumer takes at most, each millisecond. */
  readonly takenPerMs?: number
  readonly forMs?: number
}

function growthAt(roundTripMs: number): Growth {
  const growth = new Growth(sizeMax)
  growth.answeredAfter(roundTripMs + 40)
  growth.answeredAfter(roundTripMs)
  return growth
}

/** How large the window is after a peer has sent all that it may through such a link. A grant takes a round trip to bring data. */
function sizeAfter(
  { roundTripMs, bytesPerMs, takenPerMs = Number.POSITIVE_INFINITY, forMs = 2000 }: LinkOptions,
  growth = growthAt(roundTripMs),
): number {
  const window = new ReceiveWindow(size, 0, growth)
  const usable = [{ at: roundTripMs, bytes: size }]
  let unread = 0
  for (let now = 0; now < forMs; now++) {
    let room = bytesPerMs
    for (const grant of usable) {
      const sent = grant.at <= now ? Math.min(room, grant.bytes) : 0
      grant.bytes -= sent
      room -= sent
    }
    const came = bytesPerMs - room
    if (came > 0) assert.ok(window.received(came))
    unread += came
    const taken = Math.min(unread, takenPerMs)
    unread -= taken
    const grant = taken > 0 ? window.consumed(taken, now) : 0
    if (grant > 0) usable.push({ at: now + roundTripMs, bytes: grant })
    assert.ok(unread + window.left <= size + window.grownBytes)
  }
  return size + window.grownBytes
}

test('on a far link that moves more than a window in a round trip, the window grows to what it moves and some more', () => {
  const grown = sizeAfter({ roundTripMs: 50, bytesPerMs: 100_000 })
  assert.ok(grown > 5_000_000 && grown < 20_000_000, `it is ${grown}`)
})

test('a window grows no further than it may', () => {
  assert.equal(sizeAfter({ roundTripMs: 200, bytesPerMs: 1_000_000, forMs: 5000 }), sizeMax)
})

test('a far link that is slow, and a near one that is fast, leave the window as it is', () => {
  assert.equal(sizeAfter({ roundTripMs: 300, bytesPerMs: 1000 }), size)
  assert.equal(sizeAfter({ roundTripMs: 2, bytesPerMs: 1_000_000 }), size)
})

test('a consumer that takes less than the link moves has the window that fits to what it takes', () => {
  assert.equal(sizeAfter({ roundTripMs: 50, bytesPerMs: 100_000, takenPerMs: 10_000 }), size)
})

test('a consumer that waits, and then takes a whole window at once, lets nothing grow', () => {
  const window = new ReceiveWindow(size, 0, growthAt(50))
  for (let now = 0; now < 100_000; now += 1000) {
    assert.ok(window.received(window.left))
    for (let part = 0; part < 8; part++) window.consumed(size / 8, now + 500 + part * 10)
  }
  assert.equal(window.grownBytes, 0)
})

test('while no round trip is known, no window grows', () => {
  assert.equal(sizeAfter({ roundTripMs: 50, bytesPerMs: 100_000 }, new Growth(sizeMax)), size)
})

test('all windows of a connection together grow by two full ones', () => {
  const growth = growthAt(200)
  const fast = { roundTripMs: 200, bytesPerMs: 1_000_000, forMs: 5000 }
  const sizes = [1, 2, 3, 4].map(() => sizeAfter(fast, growth))
  assert.deepEqual(sizes, [sizeMax, sizeMax, size + 2 * size, size])
})

test('a window that is closed leaves to others what it has grown by, and grows no more', () => {
  const growth = growthAt(50)
  const window = new ReceiveWindow(size, 0, growth)
  assert.ok(window.received(size))
  window.consumed(size, 50)
  assert.equal(window.grownBytes, 3 * size)
  window.close()
  assert.ok(window.received(4 * size))
  window.consumed(4 * size, 100)
  assert.equal(window.grownBytes, 3 * size)
  assert.equal(growth.take(sizeMax * 3), sizeMax * 2)
})
