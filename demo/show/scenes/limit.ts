import { endingMs, limitMs } from '../scale.js'
import { type Scene, timeCell } from '../scene.js'

const seconds = limitMs / 1000
/** What a process that was told to end may take to be gone from the process list. */
const graceMs = 500

export const limit: Scene = {
  title: `'sleep 30000' with a limit of ${seconds} s: does the call return, is the process gone?`,
  // This one is about the limit alone: a lane without keepalive would lose its silent connection just when it is reached.
  network: 'good',
  rows: [
    {
      label: `limit ${seconds} s: returned after`,
      promise: `a call with a limit of ${seconds} s returns within ${endingMs / 1000} s after it`,
      atMostMs: limitMs + endingMs,
    },
    {
      label: '  the remote process',
      promise: 'the limit ends the command on the server too',
    },
  ],
  async play({ session, stage, track, pause }) {
    track.note('runs sleep 30000')
    const report = await track.report(session.runLimited('sleep 30000', limitMs))
    await pause(graceMs)
    const gone = !stage.isAnythingRunning()
    track.note(`process ${gone ? 'gone' : 'runs on'}`, gone ? 'good' : 'bad')
    return [timeCell(report), { text: gone ? 'gone' : 'runs on', good: gone }]
  },
}
