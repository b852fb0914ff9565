/**
 * Feeds decoders and whole sessions with bytes that are wrong, for as long as it is told.
 *
 *   npm run fuzz -- --minutes 10               from a seed of its own, which it prints
 *   npm run fuzz -- --minutes 10 --seed 7      from this one on
 *   npm run fuzz -- --replay payloads --seed 7 once more what failed
 *
 * It ends with 1 when anything was thrown, left over, late, or hung, or when memory grew.
 */
import { randomInt } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type Subject, subjects } from './round.js'
import type { WorkerWord } from './worker.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, replay: { type: 'string' } },
})
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
if (values.replay !== undefined && !subjects.some((subject) => subject === values.replay))
  throw new RangeError(`nothing is called ${values.replay}; give one of ${subjects.join(', ')}`)

/** One round takes seconds at the most. */
const hangMs = 60_000
/** Once the code is warm, a round leaves nothing behind. */
const growthMax = 8 * 1024 * 1024
const failuresMax = 20

console.log(`seed ${seed}`)
const endAt = Date.now() + minutes * 60_000
const argv = [String(seed), String(endAt), ...(values.replay === undefined ? [] : [values.replay])]
const worker = new Worker(new URL('worker.js', import.meta.url), { argv })
let latest: { subject: Subject; seed: number } = { subject: 'decoders', seed }
let failures = 0
const watchdog = setTimeout(hung, hangMs)

worker.on('message', (word: WorkerWord) => {
  watchdog.refresh()
  if (word.word === 'begins') latest = word
  else if (word.word === 'failed') report(word.subject, word.seed, word.problems)
  else conclude(word)
})
worker.on('error', (error) => {
  report(latest.subject, latest.seed, [`it broke: ${error instanceof Error ? error.stack : String(error)}`])
  clearTimeout(watchdog)
})

function report(subject: Subject, at: number, problems: readonly string[]): void {
  failures++
  process.exitCode = 1
  console.log(`FAILED: npm run fuzz -- --replay ${subject} --seed ${at}`)
  for (const problem of problems) console.log(`  ${problem}`)
  if (failures >= failuresMax) stop()
}

function hung(): void {
  report(latest.subject, latest.seed, [`nothing was heard of it for ${hangMs / 1000} s`])
  stop()
}

function stop(): void {
  clearTimeout(watchdog)
  void worker.terminate()
}

function conclude({ rounds, inputs, settled, heapBytes }: Extract<WorkerWord, { word: 'done' }>): void {
  clearTimeout(watchdog)
  const growth = growthOf(heapBytes)
  console.log(`${rounds} rounds, ${inputs} inputs, ${settled} promises settled, ${failures} failures`)
  console.log(`memory: ${heapBytes.map((bytes) => `${Math.round(bytes / 2 ** 20)}`).join(' ')} MiB`)
  if (growth <= growthMax) return
  process.exitCode = 1
  console.log(`FAILED: memory grew by ${Math.round(growth / 2 ** 20)} MiB`)
}

/** From the second fifth of the time to the last; the lowest of each, since what a round is in the middle of is no growth. */
function growthOf(heapBytes: readonly number[]): number {
  const fifth = Math.floor(heapBytes.length / 5)
  return fifth === 0 ? 0 : Math.min(...heapBytes.slice(-fifth)) - Math.min(...heapBytes.slice(fifth, 2 * fifth))
}
