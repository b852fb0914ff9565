/** Plays rounds until its time is over, and says before each what it is about, so that whoever started it knows where it hangs. */
import process from 'node:process'
import { parentPort } from 'node:worker_threads'
import { playRound, type Subject, subjects } from './round.js'

export type WorkerWord =
  | { readonly word: 'begins'; readonly subject: Subject; readonly seed: number }
  | { readonly word: 'failed'; readonly subject: Subject; readonly seed: number; readonly problems: readonly string[] }
  | {
      readonly word: 'done'
      readonly rounds: number
      readonly inputs: number
      readonly settled: number
      readonly heapBytes: readonly number[]
    }

/** How often the heap is looked at, in rounds. */
const heapEvery = 200

const say = (word: WorkerWord): void => parentPort?.postMessage(word)
const current: { subject: Subject; seed: number } = { subject: 'decoders', seed: 0 }

function failed(...problems: string[]): void {
  say({ word: 'failed', ...current, problems })
}

process.on('unhandledRejection', (reason) => failed(`a rejection that nobody handles: ${String(reason)}`))
process.on('uncaughtException', (error) => failed(`an exception that nobody caught: ${error.stack ?? error.message}`))

/** @param replay only this, and only once */
async function work(first: number, endAt: number, replay: Subject | undefined): Promise<void> {
  const heapBytes: number[] = []
  let [rounds, inputs, settled] = [0, 0, 0]
  for (let seed = first; Date.now() < endAt; seed++) {
    for (const subject of replay === undefined ? subjects : [replay]) {
      Object.assign(current, { subject, seed })
      say({ word: 'begins', subject, seed })
      const report = await playRound(subject, seed)
      if (report.problems.length > 0) failed(...report.problems)
      rounds++
      inputs += report.inputs
      settled += report.settled
    }
    if (replay !== undefined) break
    if (rounds % heapEvery < subjects.length) heapBytes.push(heapInUse())
  }
  say({ word: 'done', rounds, inputs, settled, heapBytes })
}

function heapInUse(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const [seed, endAt, replay] = process.argv.slice(2)
await work(
  Number(seed),
  Number(endAt),
  subjects.find((subject) => subject === replay),
)
