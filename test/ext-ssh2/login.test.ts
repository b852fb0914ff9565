import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { describe, test } from 'node:test'
import {
  SSH2_FINGERPRINT_HEX,
  SSH2_FINGERPRINT_RAW,
  SSH2_FINGERPRINT_SHA1,
  ssh2_auth_agent,
  ssh2_auth_hostbased_file,
  ssh2_auth_none,
  ssh2_auth_password,
  ssh2_auth_pubkey,
  ssh2_auth_pubkey_file,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_fingerprint,
  ssh2_last_error,
  ssh2_methods_negotiated,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { startAgent } from '../servers/agent.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { given } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))

describe('the logins of PHP, and what is known before them', { skip, timeout: 120_000 }, () => {
  test('each key by its files and by its texts', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    for (const { privateKey: path } of Object.values(server.clientKeys)) {
      const byFile = given(await ssh2_connect(server.host, server.port))
      assert.equal(await ssh2_auth_pubkey_file(byFile, server.username, `${path}.pub`, path), true, path)
      const byText = given(await ssh2_connect(server.host, server.port))
      const [pub, priv] = [readFileSync(`${path}.pub`), readFileSync(path, 'utf8')]
      assert.equal(await ssh2_auth_pubkey(byText, server.username, pub, priv), true, path)
      await Promise.all([ssh2_disconnect(byFile), ssh2_disconnect(byText)])
    }
  })

  test('keys that do not fit', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const { ed25519, rsa } = server.clientKeys
    const session = given(await ssh2_connect(server.host, server.port))
    const attempt = (pub: string, priv: string) => ssh2_auth_pubkey_file(session, server.username, pub, priv)
    assert.equal(await attempt(`${rsa.privateKey}.pub`, ed25519.privateKey), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_KEY')
    assert.equal(await attempt('/nowhere.pub', ed25519.privateKey), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /\/nowhere\.pub: there is no such file/)
    assert.equal(await attempt(`${ed25519.privateKey}.pub`, ed25519.privateKey), true)
    await ssh2_disconnect(session)
  })

  test('none, and a second user', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const session = given(await ssh2_connect(server.host, server.port))
    const methods = await ssh2_auth_none(session, server.username)
    assert.ok(Array.isArray(methods) && methods.includes('publickey') && methods.includes('password'))
    assert.deepEqual(await ssh2_auth_none(session, server.username), methods)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
    assert.equal(await ssh2_auth_none(session, server.username), false)
    await ssh2_disconnect(session)
  })

  test('an agent', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const agent = await startAgent([server.clientKeys.ed25519.privateKey])
    const before = process.env['SSH_AUTH_SOCK']
    t.after(() => {
      if (before === undefined) delete process.env['SSH_AUTH_SOCK']
      else process.env['SSH_AUTH_SOCK'] = before
      return agent.stop()
    })
    const session = given(await ssh2_connect(server.host, server.port))
    delete process.env['SSH_AUTH_SOCK']
    assert.equal(await ssh2_auth_agent(session, server.username), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_AGENT')
    process.env['SSH_AUTH_SOCK'] = agent.socket
    assert.equal(await ssh2_auth_agent(session, server.username), true)
    await ssh2_disconnect(session)
  })

  test('a server that takes no host for its user', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { HostbasedAuthentication: 'yes' } })
    const { privateKey } = server.clientKeys.ed25519
    const session = given(await ssh2_connect(server.host, server.port))
    const answer = ssh2_auth_hostbased_file(
      session,
      server.username,
      'nowhere.invalid',
      `${privateKey}.pub`,
      privateKey,
    )
    assert.equal(await answer, false)
    assert.match(ssh2_last_error(session)?.message ?? '', /tried hostbased publickey ssh-ed25519 .*: refused/)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
    await ssh2_disconnect(session)
  })

  test('passwords until the server hangs up', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { MaxAuthTries: 2 } })
    const session = given(await ssh2_connect(server.host, server.port))
    for (let tries = 0; tries < 4; tries++)
      assert.equal(await ssh2_auth_password(session, server.username, 'wrong'), false)
    assert.notEqual(ssh2_last_error(session), undefined)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.equal(await ssh2_disconnect(session), true)
  })

  test('the fingerprint and the methods, before anybody has logged in', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const methods = {
      kex: 'no-such-method,curve25519-sha256',
      hostkey: 'ssh-ed25519',
      client_to_server: { crypt: 'aes256-ctr,aes128-ctr', mac: 'hmac-sha2-512', comp: 'none' },
      server_to_client: { crypt: 'aes256-ctr', mac: 'hmac-sha2-512,hmac-sha2-256', comp: 'zlib' },
    }
    const session = given(await ssh2_connect(server.host, server.port, methods, null, null))
    const direction = { crypt: 'aes256-ctr', mac: 'hmac-sha2-512', comp: 'none', lang: '' }
    assert.deepEqual(ssh2_methods_negotiated(session), {
      kex: 'curve25519-sha256',
      hostkey: 'ssh-ed25519',
      client_to_server: direction,
      server_to_client: direction,
    })
    const [, base64 = ''] = readFileSync(`${server.hostKeys.ed25519.privateKey}.pub`, 'utf8').split(' ')
    const hash = (name: string) => createHash(name).update(Buffer.from(base64, 'base64')).digest('hex').toUpperCase()
    assert.equal(ssh2_fingerprint(session), hash('md5'))
    assert.equal(ssh2_fingerprint(session, SSH2_FINGERPRINT_SHA1 | SSH2_FINGERPRINT_HEX), hash('sha1'))
    const raw = given(ssh2_fingerprint(session, SSH2_FINGERPRINT_SHA1 | SSH2_FINGERPRINT_RAW))
    assert.equal(Buffer.from(raw).toString('hex').toUpperCase(), hash('sha1'))
    await ssh2_disconnect(session)
  })

  test('callbacks', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { MaxAuthTries: 1 } })
    const events = new EventEmitter()
    const told = once(events, 'disconnect')
    const callbacks = { disconnect: (...args: unknown[]) => void events.emit('disconnect', ...args) }
    const session = given(await ssh2_connect(server.host, server.port, null, callbacks))
    assert.equal(await ssh2_auth_password(session, server.username, 'wrong'), false)
    assert.equal(await ssh2_auth_password(session, server.username, 'wrong'), false)
    const [reason, message]: unknown[] = (await told) as unknown[]
    assert.equal(reason, 2)
    assert.match(String(message), /^Too many authentication failures/)
  })

  test('a context: socket, limits, and whom to trust', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const context = { socket: { bindto: '127.0.0.9:0', tcp_nodelay: true, so_keepalive: true } }
    const session = given(await ssh2_connect(server.host, server.port, null, null, context))
    assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
    const stream = given(await ssh2_exec(session, 'echo $SSH_CONNECTION'))
    assert.match(given(await stream_get_contents(stream)), /^127\.0\.0\.9 /)
    await ssh2_disconnect(session)

    const strict = { holdfast: { hostKey: { policy: 'strict', knownHosts: [] } } } as const
    assert.equal(await ssh2_connect(server.host, server.port, null, null, strict), false)
    assert.equal(ssh2_last_error()?.code, 'ERR_SSH_HOST_KEY_UNKNOWN')
    assert.equal(await ssh2_connect(server.host, server.port, null, null, { socket: { bindto: 'nowhere' } }), false)
    assert.equal(ssh2_last_error()?.code, 'ERR_SSH_OPTION')
    const misspelt = { ini: { max_execution: 1 } } as object
    assert.equal(await ssh2_connect(server.host, server.port, null, null, misspelt), false)
    assert.match(ssh2_last_error()?.message ?? '', /max_execution means nothing here/)
  })
})
