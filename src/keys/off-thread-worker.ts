/** What runs in the thread that `off-thread.ts` starts. */
import { parentPort, workerData } from 'node:worker_threads'
import { runSlowJob, type SlowJob } from './slow-job.js'

// Only offThread() starts this file, with the type that it takes.
// oxlint-disable-next-line no-unsafe-type-assertion
const answer = runSlowJob(workerData as SlowJob)
parentPort?.postMessage(answer)
