// Measures Holdfast beside other clients, and writes docs/performance.md from that.
//
//   npm run bench                              all of it, in full
//   npm run bench -- --quick                   in three minutes; writes nothing
//   npm run bench -- --only exec,far           these workloads, or all whose names begin so; writes nothing
//   npm run bench -- --clients holdfast,ssh2   these clients; writes nothing
//   npm run bench -- --node PATH --node PATH   the clients on these Nodes
//   npm run bench -- --rounds 3 --scale 0.5    other numbers of rounds and bytes
//   npm run bench -- --from FILE               writes from what an earlier run measured
//   npm run bench -- --out DIRECTORY           writes there, whatever was measured
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { requireAvailable } from '../test/servers/availability.js'
import { prepareSshd } from '../test/servers/sshd.js'
import { makeScene } from './conditions.js'
import { type BenchOptions, parseOptions } from './options.js'
import { readResults } from './read-results.js'
import { measuredReach } from './report/reach.js'
import { terminalTable } from './report/terminal.js'
import { writePage } from './report/write.js'
import type { Results } from './results.js'
import { measureAll } from './rounds.js'
import { readSetting } from './setting.js'

const options = parseOptions(process.argv.slice(2))
const results = options.from === undefined ? await measure(options) : readResults(options.from)
console.log(`${terminalTable(results)}\n\n${measuredReach(results)}`)
if (options.out !== undefined) writePage(results, options.out)
const failed = results.cells.filter(({ state }) => state === 'failed')
for (const { workload, client, node, why } of failed) console.error(`${workload}, ${client}, ${node}: ${why}`)
if (failed.length > 0) process.exitCode = 1

async function measure(wanted: BenchOptions): Promise<Results> {
  requireAvailable(await prepareSshd('9.2'))
  const setting = await readSetting()
  await using scene = await makeScene(wanted.scale)
  const measured: Results = { setting, ...(await measureAll(wanted, scene.conditions, tell)) }
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-bench-results-')), 'results.json')
  writeFileSync(file, JSON.stringify(measured, null, 1))
  tell(`What was measured: ${file}`)
  return measured
}

function tell(text: string): void {
  console.error(text)
}
