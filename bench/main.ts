// Measures Holdfast beside other clients, and writes docs/performance.md from that.
//
//   npm run bench                              all of it, in full
//   npm run bench -- --quick                   in three minutes; writes nothing
//   npm run bench -- --only exec,far            these workloads, or all whose names begin so
//   npm run bench -- --clients holdfast,ssh2   these clients
//   npm run bench -- --node PATH --node PATH   the clients on these Nodes
//   npm run bench -- --rounds 3 --scale 0.5    other numbers of rounds and bytes
import process from 'node:process'
import { requireAvailable } from '../test/servers/availability.js'
import { prepareSshd } from '../test/servers/sshd.js'
import { makeScene } from './conditions.js'
import { parseOptions } from './options.js'
import { terminalTable } from './report/terminal.js'
import { measureAll } from './rounds.js'

const options = parseOptions(process.argv.slice(2))
requireAvailable(await prepareSshd('9.2'))
await using scene = await makeScene(options.scale)
const results = await measureAll(options, scene.conditions, (text) => console.error(text))
console.log(terminalTable(results))
if (results.cells.some(({ state }) => state === 'failed')) process.exitCode = 1
