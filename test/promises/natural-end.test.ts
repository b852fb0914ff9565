/** Row 37 of the table of failures: no timer or socket of ours keeps a program running, nor lets it end under a caller. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { readLastWord, startScript } from './support/script.js'

leavesNothing()

const expected = {
  closes: 'hello',
  forgetsToCloseAnUnrefdClient: 'hello',
  waitsOnAnUnrefdClient: 'slept',
  leavesACommandToAnUnrefdClient: 'left',
  readsACommandOfAnUnrefdClient: 'left',
  waitsForACommandOfAnUnrefdClient: 'exited 3',
  disposesOfACommand: 'disposed',
  letsGoOfAStreamOfAnUnrefdClient: 'left',
  leadsTheServerToASilentResolver: 'left',
  isRefused: 'ERR_SSH_CONNECT tcp undefined',
  connectsToSilence: 'ERR_SSH_TIMEOUT identification identification',
  runsOnSilence: 'ERR_SSH_TIMEOUT channelOpen channelOpen',
  asksSilence: 'ERR_SSH_PROBE_TIMEOUT ready reply',
  exchangesKeysWithSilence: 'ERR_SSH_TIMEOUT rekey rekey',
  closesSilence: 'ERR_SSH_CLOSED',
  waitsForAVerdict: 'ERR_SSH_PEER_DEAD ready undefined',
  reconnectsInVain: 'ERR_SSH_RECONNECT',
  waitsForAConnectionThatIsAway: 'ERR_SSH_RECONNECT reconnect undefined',
  leavesAnUnrefdClientToLookUp: 'reconnecting',
  leavesAnUnrefdClientToReachSilence: 'reconnecting',
  leavesAnUnrefdClientToReconnect: 'listens true',
}

describe('a program that', { concurrency: 2 }, () => {
  for (const [name, result] of Object.entries(expected)) {
    test(`${inWords(name)} ends by itself`, { timeout: 60_000 }, async (t) => {
      const { port } = await server(t, { forwarding: true })
      const script = startScript('ends-by-itself', name, `${port}`)
      const { said: line } = readLastWord(await script.line())
      const waitedMs = Number(await script.line())
      const { code, signal, stderr } = await script.ended
      assert.deepEqual({ line, code, signal, stderr }, { line: result, code: 0, signal: null, stderr: '' })
      // Of its own time: how long a busy machine takes to end a process says nothing of what held it.
      assert.ok(waitedMs < 1000, `it stayed for ${waitedMs} ms although it was done`)
    })
  }
})

function inWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
