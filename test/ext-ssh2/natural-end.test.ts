/** Row 37 of the table of failures: no session keeps a script running that is done, nor lets it end while it waits. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { server } from '../promises/support/embedded.js'
import { startScript } from '../promises/support/script.js'

const expected = {
  connects: 'connected',
  isRefused: 'refused',
  reads: 'hello',
  readsALine: 'hello',
  readsErrors: 'hello',
  leavesACommand: 'left',
  leavesAShell: 'left',
  leavesAWriteThatIsNotTaken: 'false',
  leavesAStreamOfAUrl: 'hello',
  leavesAListener: 'left',
  pausesAStream: 'paused',
  waitsForOutput: 'slept',
  waitsForACommandToRead: '8000000',
  waitsForAConnection: 'somebody',
  disconnects: 'true',
  pipesOutput: 'piped',
  listensForOutput: 'heard',
  iterates: 'iterated',
  pipesInput: 'piped',
  pipesInputAndReads: '8000000',
  runsOnSilence: 'channelOpen',
  readsSilence: 'ERR_SSH_PEER_DEAD',
}

describe('a script that', { concurrency: 2 }, () => {
  for (const [name, result] of Object.entries(expected)) {
    test(`${inWords(name)} ends by itself`, { timeout: 60_000 }, async (t) => {
      const { port } = await server(t, { forwarding: true })
      const script = startScript('ends-by-itself-as-php', name, `${port}`)
      t.after(() => script.child.kill('SIGKILL'))
      const line = await script.line()
      const { code, signal } = await script.ended
      assert.deepEqual({ line, code, signal }, { line: result, code: 0, signal: null })
    })
  }
})

function inWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
