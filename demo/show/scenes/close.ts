import { closeMs } from '../scale.js'
import { type Scene, timeCell } from '../scene.js'

export const close: Scene = {
  title: 'The peer has vanished, and the program closes the connection',
  network: 'forgetful',
  rows: [
    {
      label: 'peer gone: close took',
      promise: `close() takes at most ${closeMs / 1000} s, whatever the peer does`,
      atMostMs: closeMs,
    },
  ],
  async play({ session, stage, track, pause }) {
    stage.cut()
    track.note('the peer vanishes', 'dim')
    await pause(500)
    track.note(session.closeCall)
    return [timeCell(await track.report(session.close()))]
  },
}
