// A program that wants no keepalive and no limit, under what an administrator enforces: the policy of this process is
// written before its first connection.
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import type { DiagnosticsMessages, HoldfastError } from 'holdfast'
import { type Channel, Client } from 'holdfast/ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { running, sshd } from '../session/sshd.js'
import { writePolicy } from '../support/policy.js'
import { configOf, dropIn, ready, value, within } from './record.js'

const enforced = { keepalive: { interval: '1s', countMax: 20, wantReply: true }, limits: { timeout: '8s' } }
const { file } = writePolicy(() => ({ enforced }))

const skip = skipReason(await prepareSshd('9.2'))

test('its connection is asked all the same, its command of ten minutes ends at the limit on the server too, and it can be seen why', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const server = await sshd(t, { version: '9.2' })
  let answers = 0
  const probed = (message: unknown) =>
    void ((message as DiagnosticsMessages['holdfast:probe']).event === 'answered' && answers++)
  subscribe('holdfast:probe', probed)
  t.after(() => unsubscribe('holdfast:probe', probed))

  const client = await ready(t, dropIn, { ...(await configOf(server)), keepaliveInterval: 0 })
  const stream = await value<Channel>((done) => client.exec('sleep 600', done))
  const closed = new Promise<void>((resolve) => void stream.once('close', () => resolve()))
  const failed = new Promise<Error>((resolve) => void stream.once('error', resolve))
  stream.resume()
  const sleeping = async () => (await running(server)).filter(({ command }) => command.includes('sleep 600'))
  while ((await sleeping()).length === 0) assert.equal(stream.incoming.state, 'open')

  const { code, cause } = (await within(failed, 'the limit')) as Error & { code: string; cause: HoldfastError }
  assert.deepEqual([code, cause.limit, cause.limitMs], ['ERR_SSH_TIMEOUT', 'timeout', 8000])
  await within(closed, 'close')
  assert.deepEqual(await sleeping(), [])
  assert.ok(answers > 0, 'no probe was answered')

  const stats = client.stats()
  assert.equal(stats?.keepalive.interval, 1000)
  assert.deepEqual(stats.policy.files, [file])
  const { 'keepalive.interval': interval, 'limits.timeout': timeout } = stats.policy.options
  assert.deepEqual([interval?.value, interval?.from, interval?.wanted?.from], [1000, 'enforced', 'built-in'])
  assert.deepEqual([timeout?.value, timeout?.from], [8000, 'enforced'])
  for (const option of [interval, timeout]) assert.ok(option?.source?.startsWith(`${file}:`), option?.source)
})

test('before it has connected there is nothing to tell', () => {
  assert.equal(new Client().stats(), undefined)
})
