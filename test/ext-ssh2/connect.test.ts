import assert from 'node:assert/strict'
import { once } from 'node:events'
import process from 'node:process'
import { describe, test } from 'node:test'
import { type Ssh2Session, ssh2_auth_password, ssh2_connect, ssh2_disconnect, ssh2_last_error } from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'

const skip = skipReason(await prepareSshd('9.2'))

/** The next warning of this process that is one of PHP's. */
async function warning(): Promise<Error> {
  for (;;) {
    const args: unknown[] = await once(process, 'warning')
    const error = args.find((arg) => arg instanceof Error)
    if (error?.name === 'Ssh2Warning') return error
  }
}

describe('ssh2_connect() and the login', { skip, timeout: 120_000 }, () => {
  test('a login by password', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = await ssh2_connect(server.host, server.port)
    assert.ok(session)
    assert.equal(Object.prototype.toString.call(session), '[object SSH2 Session]')
    assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
    assert.equal(await ssh2_disconnect(session), true)
    assert.equal(ssh2_last_error(session), undefined)
  })

  test('a wrong password is false and a warning, and another try is allowed', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = await ssh2_connect(server.host, server.port)
    assert.ok(session)
    const warned = warning()
    assert.equal(await ssh2_auth_password(session, server.username, 'wrong'), false)
    assert.match(
      (await warned).message,
      /^ssh2_auth_password\(\): Authentication failed for .* using password: could not/,
    )
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_AUTHENTICATION')
    assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^Connection already authenticated/)
    await ssh2_disconnect(session)
  })

  test('nobody there is false', async () => {
    const port = await freePort()
    assert.equal(await ssh2_connect('127.0.0.1', port), false)
    assert.equal(ssh2_last_error()?.code, 'ERR_SSH_CONNECT')
  })

  test('a wrong type is a TypeError, as in PHP 8', async () => {
    const wrong: unknown = 'no session'
    await assert.rejects(ssh2_disconnect(wrong as Ssh2Session), {
      name: 'TypeError',
      message: 'ssh2_disconnect(): Argument #1 ($session) must be of type resource, string given',
    })
    await assert.rejects(ssh2_connect(wrong as string, '22' as unknown as number), TypeError)
  })

  test('a session that is disconnected before the login', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = await ssh2_connect(server.host, server.port)
    assert.ok(session)
    assert.equal(await ssh2_disconnect(session), true)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_CLOSED')
  })
})
