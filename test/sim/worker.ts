import { parentPort } from 'node:worker_threads'
import { playSeeds } from './batch.js'

parentPort?.on('message', ({ start, count }: { readonly start: number; readonly count: number }) => {
  playSeeds(start, count).then(
    (tally) => parentPort?.postMessage(tally),
    (error: unknown) => {
      throw error
    },
  )
})
