import assert from 'node:assert/strict'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { readLastWord, startScript } from '../../promises/support/script.js'
import { prepareSshd, type SshdServer } from '../../servers/sshd.js'
import { sshd } from '../../session/sshd.js'
import { row } from '../row.js'

leavesNothing()

/** The limits of the fixture, and the bound of its keepalive. */
const limitMs = 400
/** What a program says last, by its name in the fixture; of errors code, phase and limit. */
const programs = {
  closes: 'hello',
  forgetsToCloseAnUnrefdClient: 'hello',
  waitsOnAnUnrefdClient: 'slept',
  waitsForACommandOfAnUnrefdClient: 'exited 3',
  runsOnSilence: 'ERR_SSH_TIMEOUT channelOpen channelOpen',
  waitsForAVerdict: 'ERR_SSH_PEER_DEAD ready undefined',
}

row({
  number: 37,
  failure: 'a timer keeps the process alive, or lets it end under a caller that waits',
  expected: 'Holds the process while somebody waits for something, and not a moment longer.',
  how: 'programs run to their natural end; among them `exec()` over a stream in memory that never answers',
  bound:
    'the process ends within 1 s after its last word; on silence that comes within 400 ms (limit channelOpen, or 200 ms x 1)',
  code: 'none: exit code 0; on silence ERR_SSH_TIMEOUT or ERR_SSH_PEER_DEAD, never node’s exit code 13',
  needs: () => prepareSshd('10'),
  async holdfast(t, watch) {
    const server = await sshd(t, { version: '10' })
    watch.fault('each program has said its last word')
    const afterMs: number[] = []
    for (const [name, lastWord] of Object.entries(programs)) afterMs.push(await runToEnd(server, name, lastWord))
    watch.outcome({ kind: 'ended', ms: Math.max(...afterMs), text: 'the process ended by itself, with exit code 0' })
  },
  peers: {
    ssh2: 'not run: the programs are written for the API that they try',
    openssh: 'is a program, and no library',
  },
})

async function runToEnd({ port, username, password }: SshdServer, name: string, lastWord: string): Promise<number> {
  const script = startScript('ends-by-itself', name, `${port}`, username, password)
  const { said, tookMs: failedMs } = readLastWord(await script.line())
  const since = performance.now()
  const { code, signal, stderr } = await script.ended
  const tookMs = performance.now() - since
  assert.deepEqual({ name, said, code, signal, stderr }, { name, said: lastWord, code: 0, signal: null, stderr: '' })
  assertWithin(tookMs, [0, 1000])
  assert.equal(failedMs !== undefined, lastWord.startsWith('ERR_'), name)
  // The verdict counts from the last packet, which came up to an interval of 200 ms before the call.
  if (failedMs !== undefined) assertWithin(failedMs, [limitMs - 200, limitMs + 1500])
  return tookMs
}
