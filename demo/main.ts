import process from 'node:process'
import { readArguments, usage } from './remote/arguments.js'
import { failed, runRemote } from './remote/remote.js'
import { showAll } from './show/main.js'
import { Terminal } from './terminal/terminal.js'

/** What shells say of a program that SIGINT ended. */
const interrupted = 130

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
// Whoever reads this has seen enough: `npm start | head`.
process.stdout.on('error', () => interrupt.abort())

process.exitCode = await run(process.argv.slice(2))

async function run(args: readonly string[]): Promise<number> {
  try {
    const code = args.length === 0 ? await runShow() : await runOne(args)
    return interrupt.signal.aborted ? interrupted : code
  } catch (error) {
    if (interrupt.signal.aborted) return interrupted
    throw error
  }
}

async function runShow(): Promise<number> {
  return (await showAll(new Terminal(process.stdout), interrupt.signal)) ? 0 : 1
}

async function runOne(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  const request = readArguments(args)
  if ('problem' in request) {
    process.stderr.write(`${request.problem}\n\n${usage}`)
    return failed
  }
  return runRemote(request, interrupt.signal)
}
