/**
 * Plays simulated bad days, each of which follows from its seed.
 *
 *   npm run sim -- --seeds 1000000 --start 1 --jobs 2
 *   npm run sim -- --seed 7      one of them once more: what happens in it, made as small as still shows the violation
 *
 * It ends with 1 when an invariant was violated.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { emptyTally, type Tally } from './batch.js'
import { tell, tellTally } from './report.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    start: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
})
/** Seeds that a worker plays between two words to us. */
const chunk = 250
/** Failures that are told of in full. */
const toldMax = 5
const say = (line: string) => console.log(line)

if (values.seed === undefined) await playMany(Number(values.start), Number(values.seeds), Number(values.jobs))
else if (!(await tell(Number(values.seed), say))) process.exitCode = 1

async function playMany(start: number, seeds: number, jobs: number): Promise<void> {
  const tally = emptyTally()
  const startedAt = performance.now()
  const end = start + seeds
  let next = start
  const take = () => {
    const from = next
    next = Math.min(end, from + chunk)
    return from < end ? { start: from, count: next - from } : undefined
  }
  const told: Promise<unknown>[] = []
  const add = (part: Tally) => {
    for (const { seed, failure } of part.failed) {
      if (tally.failed.length < 50) say(`seed ${seed}: ${failure.invariant}: ${failure.problem}`)
      tally.failed.push({ seed, failure })
    }
    merge(tally, part)
  }
  await Promise.all(Array.from({ length: jobs }, () => runWorker(take, add)))
  for (const { seed } of tally.failed.slice(0, toldMax)) {
    say('')
    told.push(tell(seed, say))
    await told.at(-1)
  }
  tellTally(tally, (performance.now() - startedAt) / 1000, say)
  if (tally.failed.length > 0) process.exitCode = 1
}

function merge(tally: Tally, { sessions, settled, fulfilled, endings, excuses }: Tally): void {
  tally.sessions += sessions
  tally.settled += settled
  tally.fulfilled += fulfilled
  for (const [code, times] of endings) tally.endings.set(code, (tally.endings.get(code) ?? 0) + times)
  for (const [excuse, times] of excuses) tally.excuses.set(excuse, (tally.excuses.get(excuse) ?? 0) + times)
}

/** One core's worth: plays a chunk after the other. */
function runWorker(
  take: () => { start: number; count: number } | undefined,
  add: (part: Tally) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.js', import.meta.url))
    const goOn = () => {
      const work = take()
      if (work === undefined) void worker.terminate().then(() => resolve(), reject)
      else worker.postMessage(work)
    }
    worker.on('message', (part: Tally) => {
      add(part)
      goOn()
    })
    worker.on('error', reject)
    goOn()
  })
}
