/**
 * A tree of many small files and a large one goes up and comes back through a relay that resets every connection every few
 * seconds, once by a loop of the program and once by `reconnect`.
 *
 *   npm run soak:files -- --files 10000 --bytes 4294967296 --reset-ms 4000 --seed 1
 *
 * It needs three times the bytes on the disk of the system's temporary folder, and what test/servers needs.
 */
import { parseArgs } from 'node:util'
import { soak } from './files.js'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    bytes: { type: 'string', default: `${4 * 1024 ** 3}` },
    'reset-ms': { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
  },
})

for (const again of ['by hand', 'by reconnect'] as const) {
  console.log(`connected again ${again}`)
  const { files, bytes, seed, 'reset-ms': resetMs } = values
  const reset = { everyMs: Number(resetMs) }
  await soak({ files: Number(files), bytes: Number(bytes), seed: Number(seed), reset, again }, (text) =>
    console.log(text),
  )
}
