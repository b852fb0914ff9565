/** Row 12 of the table of failures, and more that accepts and never becomes a connection. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { connect } from 'holdfast'
import type { TestServer } from 'holdfast/testing'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { account, client, server } from './support/embedded.js'
import { leavesNothing } from './support/leaks.js'
import { listener } from './support/listener.js'
import { assertWithin, failure } from './support/outcome.js'

leavesNothing()

const limits = { keyExchange: '600ms', authentication: '700ms' }
const skip = skipReason(await prepareSshd('9.2'))

describe('connect() to', { concurrency: 4, timeout: 30_000 }, () => {
  test('a port that shows a banner and nothing more fails for its key exchange', async (t) => {
    const { port } = await listener(t, (socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'))
    await assertFails(port, 'keyExchange', 600)
  })

  test('a server that never decides on the user fails for its authentication', async (t) => {
    const { port } = await server(t, { authenticate: () => new Promise(() => {}) })
    await assertFails(port, 'authentication', 700)
  })

  for (const [phase, stopAt] of [
    ['dns', undefined],
    ['identification', () => {}],
    ['keyExchange', (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n')],
  ] as const) {
    test(`what takes longer in all than the limit connect, and is in the phase ${phase}, says so`, async (t) => {
      const { port } = await listener(t, stopAt ?? (() => {}))
      const host = stopAt === undefined ? 'nowhere.invalid' : '127.0.0.1'
      const attempt = connect({ host, port, ...account, limits: { connect: 400 }, socket: { lookup: hangs } })
      const { error } = await failure(attempt)
      assert.deepEqual([error.code, error.phase, error.limit], ['ERR_SSH_TIMEOUT', phase, 'connect'])
      assertWithin(error.elapsedMs ?? 0, [400, 3000])
    })
  }

  for (const [phase, greeting] of [
    ['identification', ''],
    ['identification', 'HTTP/1.1 400 Bad Request\r\n'],
    ['keyExchange', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
  ] as const) {
    test(`a port that says '${greeting.trim()}' and ends fails in the phase ${phase}`, async (t) => {
      const { port } = await listener(t, (socket) => socket.end(greeting))
      const { error } = await failure(connect({ host: '127.0.0.1', port, ...account }))
      assert.deepEqual([error.code, error.phase], ['ERR_SSH_CONNECTION_LOST', phase])
      assert.equal(error.host, `127.0.0.1:${port}`)
    })
  }

  test('a server that is gone before it decided on the user fails in the phase authentication', async (t) => {
    const started: TestServer = await server(t, {
      authenticate: () => {
        started.connections[0]?.reset()
        return new Promise(() => {})
      },
    })
    const { error } = await failure(connect({ host: '127.0.0.1', port: started.port, ...account }))
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_CONNECTION_LOST', 'authentication'])
  })

  test('a server that says goodbye before it decided on the user fails with its words', async (t) => {
    const started: TestServer = await server(t, {
      authenticate: () => {
        void started.connections[0]?.disconnect()
        return new Promise(() => {})
      },
    })
    const { error } = await failure(connect({ host: '127.0.0.1', port: started.port, ...account }))
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_DISCONNECTED', 'authentication'])
    assert.match(error.message, /closed by the server/)
    assert.equal(error.host, `127.0.0.1:${started.port}`)
  })

  test('an sshd that is stopped in the middle, and goes on in time, succeeds', { skip }, async (t) => {
    const started = await sshd(t, { version: '9.2' })
    process.kill(started.pid, 'SIGSTOP')
    setTimeout(() => process.kill(started.pid, 'SIGCONT'), 700)
    const { username, password } = started
    const ssh = await client(t, started, { username, password, limits: { identification: '20s' } })
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n')
  })
})

function hangs(): void {}

async function assertFails(port: number, limit: keyof typeof limits, limitMs: number): Promise<void> {
  const { error } = await failure(connect({ host: '127.0.0.1', port, ...account, limits }))
  assert.deepEqual([error.code, error.phase, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', limit, limit, limitMs])
  assertWithin(error.elapsedMs ?? 0, [limitMs, limitMs + 2000])
  assert.equal(error.host, `127.0.0.1:${port}`)
}
