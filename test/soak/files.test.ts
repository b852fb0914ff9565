/** What `npm run soak:files` does at length. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { soak } from './files.js'

const skip = skipReason(await prepareSshd('9.2'))

for (const again of ['by hand', 'by reconnect'] as const) {
  test(`a tree goes up and comes back on connections that are reset all the time, made again ${again}`, {
    skip,
  }, async () => {
    const size = { files: 300, bytes: 64 * 1024 * 1024, seed: 1 }
    const reports = await soak({ ...size, reset: { everyBytes: 15_000_000 }, again })
    for (const { way, resets, peakRssMiB } of reports) {
      assert.ok(resets >= 3, `${way}: ${resets} resets`)
      assert.ok(peakRssMiB < 200, `${way}: ${peakRssMiB} MiB`)
    }
  })
}
