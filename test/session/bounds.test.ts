import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scripted } from './scripted.js'

const bounds = { timeout: 2000, idleTimeout: 1000 }

for (const [what, options, limit, limitMs] of [
  ['that names none', {}, 'idleTimeout', 1000],
  ['that wants none', { timeout: false, idleTimeout: false }, 'idleTimeout', 1000],
  ['that names longer ones', { timeout: '10m', idleTimeout: '10m' }, 'idleTimeout', 1000],
  ['that names a shorter one', { timeout: '500ms', idleTimeout: '10m' }, 'timeout', 500],
] as const) {
  test(`a command ${what} ends at the limits that it cannot go beyond`, async () => {
    for (const start of ['exec', 'spawn', 'shell'] as const) {
      const { time, sessions } = await scripted({ bounds })
      const ended = async () => {
        if (start === 'exec') return sessions.exec('anything', options)
        const command = await (start === 'spawn' ? sessions.spawn('anything', options) : sessions.shell(options))
        return command.exited
      }
      const { error } = await time.failure(ended(), 10_000)
      assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', limit, limitMs])
    }
  })
}

test('a limit without a bound can be left out, and one that is no duration is an error under a bound too', async () => {
  const { time, sessions } = await scripted({ bounds: { timeout: 2000 } })
  const { error } = await time.failure(sessions.exec('anything', { idleTimeout: false }), 10_000)
  assert.deepEqual([error.limit, error.limitMs], ['timeout', 2000])
  for (const timeout of [0, Number.POSITIVE_INFINITY, Number.NaN, 'never']) {
    const refused = await time.failure(sessions.exec('anything', { timeout }))
    assert.equal(refused.error.code, 'ERR_SSH_OPTION')
  }
})
