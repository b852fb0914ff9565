import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Link, upload } from './hops/chain.js'

const countMax = 3
const hops = 2
/** What TCP, and the windows of SSH, let through at most. */
const window = 2 * 2 ** 20

/** What a link moves in 40 s, so that its speed has been found by the middle; of the fastest, less. */
function bytesFor({ bytesPerMs, rttMs, buffer }: Link): number {
  const most = Math.min(bytesPerMs, Math.min(buffer, window) / rttMs)
  return Math.round(Math.min(40_000 * most, 16_000_000))
}

for (const bytesPerMs of [12.5, 50, 250, 1250, 12_500]) {
  test(`over two hops, ${bytesPerMs} kB/s are kept full, and nobody on the way is given up`, async () => {
    for (const rttMs of [1, 50, 500]) {
      for (const buffer of [16 * 1024, 256 * 1024, 4 * 2 ** 20]) {
        const link = { bytesPerMs, rttMs, buffer }
        const bytes = bytesFor(link)
        const unpaced = await upload({ bytes, hops, link, keepalive: { interval: false, countMax } })
        for (const interval of [1000, 3000, 15_000]) {
          const { speed, ended, silentMs } = await upload({ bytes, hops, link, keepalive: { interval, countMax } })
          const scene = `${interval} ms x 3, round trip of ${rttMs} ms, buffers of ${buffer} bytes`
          assert.equal(ended, undefined, scene)
          // A verdict is due after four.
          assert.ok(silentMs < 3 * interval, `${scene}: nothing was heard for ${silentMs} ms`)
          const share = speed / unpaced.speed
          assert.ok(share > 0.7, `${scene}: ${Math.round(100 * share)} % of the link`)
        }
      }
    }
  })
}

for (const lossEvery of [12, 20]) {
  test(`over two hops, on a slow link that loses one segment in ${lossEvery}, nobody on the way is given up`, async () => {
    for (const bytesPerMs of [12.5, 25, 35, 50, 80]) {
      for (const rttMs of [1, 20, 100]) {
        const link = { bytesPerMs, rttMs, buffer: 64 * 1024, lossEvery }
        const { ended } = await upload({ bytes: 1_000_000, hops, link, keepalive: { interval: 1000, countMax } })
        assert.equal(ended, undefined, `${bytesPerMs} kB/s, round trip of ${rttMs} ms`)
      }
    }
  })
}
