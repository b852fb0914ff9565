// Applies each patch of test/mutants/ to a clean copy of what is committed, and sees that the simulator or the lab
// catches it.
//
//   npm run mutants                        every patch
//   npm run mutants -- 07 12-one           those whose names begin so
//   npm run mutants -- --jobs 1            default 2 at a time
//   npm run mutants -- --seeds 8000 --start 1
//   npm run mutants -- --write             also writes the list into docs/verification.md
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Copies } from './copy.js'
import { type Mutant, readMutants } from './mutant.js'
import { describeFate, intoPage, summary } from './report.js'
import { Trial, type Tried } from './trial.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = `${root}docs/verification.md`
/** For each build and each run of a catcher. */
const limitMs = 10 * 60_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '2' },
    seeds: { type: 'string', default: '4000' },
    start: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  if (values.write && positionals.length > 0) throw new Error('--write lists every mutant: name none')
  const mutants = await readMutants(`${root}test/mutants`, positionals)
  const stop = stopSignal()
  const copies = await Copies.make(root, stop)
  try {
    const tried = await tryAll(mutants, copies, stop)
    console.log(`\n${summary(tried)}`)
    if (values.write) await writePage(tried)
    if (tried.some(({ fate }) => fate.kind !== 'caught')) process.exitCode = 1
  } finally {
    await copies.dropAll()
  }
}

async function tryAll(mutants: readonly Mutant[], copies: Copies, signal: AbortSignal): Promise<Tried[]> {
  const trial = new Trial(copies, { seeds: count('seeds'), start: count('start'), limitMs, signal })
  console.log('without any patch: builds, and the simulator passes …')
  await trial.prepare()
  const tried: Tried[] = []
  const left = [...mutants]
  const work = async () => {
    for (let mutant = left.shift(); mutant !== undefined && !signal.aborted; mutant = left.shift()) {
      const since = Date.now()
      const fate = await trial.of(mutant)
      tried.push({ mutant, fate })
      const seconds = Math.round((Date.now() - since) / 1000)
      console.log(`${tried.length}/${mutants.length} ${mutant.name} (${seconds} s): ${describeFate(fate)}`)
    }
  }
  await Promise.all(Array.from({ length: count('jobs') }, work))
  signal.throwIfAborted()
  return tried.toSorted((a, b) => a.mutant.name.localeCompare(b.mutant.name))
}

async function writePage(tried: readonly Tried[]): Promise<void> {
  const text = existsSync(page) ? await readFile(page, 'utf8') : '# Verification\n'
  await writeFile(page, intoPage(text, tried))
}

function count(option: 'jobs' | 'seeds' | 'start'): number {
  const value = Number(values[option])
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${option} must be a whole number, at least 1`)
  return value
}

/** Ends what was started and leaves no copy behind, also when somebody loses patience. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => controller.abort(new Error(`stopped by ${name}`)))
  return controller.signal
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
