import { boundMs } from '../scale.js'
import { type Scene, timeCell } from '../scene.js'

export const vanish: Scene = {
  title: 'The peer vanishes while a command runs: when does the program know?',
  network: 'forgetful',
  rows: [
    {
      label: 'peer gone: reported after',
      promise: `a dead peer is reported within ${boundMs / 1000} s`,
      atMostMs: boundMs,
    },
  ],
  async play({ session, stage, track, pause }) {
    track.note('runs sleep 60')
    // Whichever comes first: that the connection is over, or that the command is.
    const told = Promise.race([session.lost, session.run('sleep 60')])
    await pause(500)
    stage.cut()
    track.note('the peer vanishes', 'dim')
    return [timeCell(await track.report(told))]
  },
}
