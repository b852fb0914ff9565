// What an administrator sets holds for programs of ssh2, which know nothing of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setDefaults } from 'holdfast'
import type { Channel } from 'holdfast/ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { running, sshd } from '../session/sshd.js'
import { configOf, dropIn, ready, value, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

test('a command ends at a limit that a policy sets, on the server too', { skip, timeout: 60_000 }, async (t) => {
  setDefaults({ limits: { timeout: '1s' } })
  t.after(() => setDefaults({}))
  const server = await sshd(t, { version: '9.2' })
  const client = await ready(t, dropIn, await configOf(server))
  const short = await value<Channel>((done) => client.exec('cat; echo err >&2; exit 3', done))
  short.end('in')
  const [output, errors]: [string[], string[]] = [[], []]
  short.on('data', (data: Buffer) => output.push(data.toString()))
  short.stderr.on('data', (data: Buffer) => errors.push(data.toString()))
  assert.deepEqual(await once(short, 'close'), [3])
  assert.deepEqual([output.join(''), errors.join('')], ['in', 'err\n'])
  const long = await value<Channel>((done) => client.exec('sleep 30000', done))
  const closed = new Promise<void>((resolve) => void long.once('close', () => resolve()))
  const [error] = (await within(once(long.resume(), 'error'), 'the limit')) as [Error & { code: string }]
  assert.equal(error.code, 'ERR_SSH_TIMEOUT')
  await within(closed, 'close')
  assert.deepEqual(
    (await running(server)).filter(({ command }) => command.includes('sleep')),
    [],
  )
})
