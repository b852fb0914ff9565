import process from 'node:process'
import { showAll } from './show/main.js'
import { Terminal } from './terminal/terminal.js'

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
// Whoever reads this has seen enough: `npm start | head`.
process.stdout.on('error', () => interrupt.abort())

process.exitCode = await run()

async function run(): Promise<number> {
  try {
    return (await showAll(new Terminal(process.stdout), interrupt.signal)) ? 0 : 1
  } catch (error) {
    if (interrupt.signal.aborted) return 130
    throw error
  }
}
