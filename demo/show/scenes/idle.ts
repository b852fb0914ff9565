import { forgetMs, idleMs } from '../scale.js'
import { type Scene, timeCell } from '../scene.js'

const seconds = idleMs / 1000

export const idle: Scene = {
  title: `A session is idle for ${seconds} s, then runs a command`,
  network: 'forgetful',
  rows: [
    {
      label: `idle ${seconds} s: answered in`,
      promise: `an idle session outlives a network that forgets after ${forgetMs / 1000} s`,
      atMostMs: 1_000,
    },
  ],
  async play({ session, track, pause }) {
    track.note('connected, idle')
    await pause(idleMs)
    track.note('runs echo hello')
    const report = await track.report(session.run('echo hello'))
    const cell = timeCell(report)
    return [report === undefined || report.text === 'hello' ? cell : { ...cell, good: false }]
  },
}
