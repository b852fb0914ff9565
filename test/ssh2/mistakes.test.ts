/** Programs that leave something out, or give what ssh2 does not take: they hear of it as there. */
import { describe, test } from 'node:test'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { type Client, compare, type Stage } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

type Call = readonly [method: string, ...args: unknown[]]

/** As JavaScript calls it, without a look at types. */
function call(client: Client, [method, ...args]: Call): unknown {
  const called: unknown = Reflect.get(client, method)
  if (typeof called !== 'function') throw new Error(`there is no ${method}`)
  return Reflect.apply(called, client, args)
}

function noteThrown(note: Stage['note'], line: string, work: () => unknown): void {
  try {
    work()
    note(line, 'nothing')
  } catch (error) {
    note(line, error instanceof Error ? error.constructor.name : '', error)
  }
}

/** Calls it on a connection of its own, which ends by that. */
async function noteEnd({ connect, note }: Stage, line: string, mistake: Call): Promise<void> {
  const client = await connect()
  client.on('error', (error) => note(line, error.constructor.name, error))
  client.on('end', () => note(line, 'end'))
  const closed = new Promise<void>((resolve) => client.on('close', () => resolve()))
  call(client, mistake)
  await closed
}

describe('mistakes over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('no options', async (t) => {
    await compare(t, await sshd(t, { version: '9.2' }), async ({ ssh2, connect, note }) => {
      const idle = new ssh2.Client()
      for (const given of [undefined, null])
        noteThrown(note, `connect ${String(given)}`, () => call(idle, ['connect', given]))
      noteThrown(note, 'not connected', () => call(idle, ['exec', 'true']))
      const client = await connect()
      for (const given of [undefined, null])
        noteThrown(note, `exec ${String(given)}`, () => call(client, ['exec', 'true', given, () => {}]))
    })
  })

  test('no callback', async (t) => {
    await compare(t, await sshd(t, { version: '9.2' }), async (stage) => {
      await noteEnd(stage, 'exec', ['exec', 'true', {}])
      await noteEnd(stage, 'shell', ['shell'])
      await noteEnd(stage, 'subsys', ['subsys', 'sftp'])
      await noteEnd(stage, 'sftp', ['sftp'])
    })
  })

  test('a variable that is no text', async (t) => {
    await compare(t, await sshd(t, { version: '9.2' }), async (stage) => {
      for (const [index, value] of [1, true, undefined, null, {}].entries())
        await noteEnd(stage, `variable ${index}`, ['exec', 'true', { env: { A: value } }, () => {}])
    })
  })
})
