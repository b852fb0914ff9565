import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { client as connected } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, scriptedServer } from '../scripted-server.js'
import { slackMs, watchedMs } from './support/scripted.js'

leavesNothing()

const fault = 'the command is started'

row({
  number: 25,
  failure: 'the channel is closed without an exit status',
  expected: 'The call ends with what was written, and with no exit code: not 0, and not an error.',
  how: 'a server that sends output, EOF and CLOSE, or CLOSE alone, and never exit-status',
  bound: 'at once',
  code: 'none: the command ends with code null',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t, closesOnly)
    const ssh = await connected(t, server)
    for (const [command, stdout] of [
      ['with output', 'so far\n'],
      ['without', ''],
    ] as const) {
      if (stdout !== '') watch.fault(fault)
      const result = await ssh.exec(command)
      if (stdout !== '') watch.outcome({ kind: 'kept', text: `ends with exit code ${result.exitCode}` })
      assert.deepEqual([result.exitCode, result.signal, result.outputOpen, result.stdout], [null, null, false, stdout])
      assertWithin(result.durationMs, [0, slackMs])
    }
    await ssh.close()
    await (await server.connection()).over
  },
  peers: {
    async ssh2(t, client, watch) {
      const { settled, exits } = await ended(t, client, watch)
      const isQuiet = settled !== 'never' && settled.event === 'channel-close' && exits.length === 0
      if (isQuiet) watch.outcome({ kind: 'kept', text: 'ends without an exit code' })
      else noteSettled(watch, settled, watchedMs)
    },
    async openssh(t, client, watch) {
      const { settled } = await ended(t, client, watch)
      noteSettled(watch, settled, watchedMs)
    },
  },
})

async function ended(t: TestContext, client: PeerClient, watch: Watch) {
  const server = await scriptedServer(t, closesOnly)
  const peer = client.start(server, { job: 'exec', command: 'with output' })
  await peer.event('ready', 10_000)
  watch.fault(fault)
  const settled = await peer.settled(watchedMs)
  return { settled, exits: peer.events.filter(({ event }) => event === 'exit') }
}

function closesOnly({ sessions }: ScriptedConnection): void {
  sessions.requested = (_type, channel, data) => {
    if (data.endsWith('with output')) {
      sessions.stdout(channel, 'so far\n')
      sessions.eof(channel)
    }
    sessions.close(channel)
  }
}
