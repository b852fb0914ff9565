import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_last_error,
  ssh2_publickey_add,
  ssh2_publickey_init,
  ssh2_publickey_list,
  ssh2_publickey_remove,
  ssh2_set_timeout,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { signalIfAlive } from '../servers/process-tree.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { running } from '../session/sshd.js'
import { withPublickey } from './publickey-server.js'
import { given, loggedIn } from './session.js'
import { warnings } from './warnings.js'

const skip = skipReason(await prepareSshd('9.2'))

const type = 'ssh-ed25519'
const blob = Buffer.from('00ff80c3', 'hex')

async function withKeys(t: TestContext) {
  const { session, server } = await withPublickey(t)
  return { session, server, pkey: given(await ssh2_publickey_init(session)) }
}

describe('ssh2_publickey_…()', { skip, timeout: 120_000 }, () => {
  test('keys are added, listed, overwritten and removed', async (t) => {
    const { pkey } = await withKeys(t)
    assert.equal(Object.prototype.toString.call(pkey), '[object SSH2 Publickey Subsystem]')
    assert.deepEqual(await ssh2_publickey_list(pkey), [])
    assert.equal(await ssh2_publickey_add(pkey, type, blob, false, { comment: 'grüße', '*from': '10.0.0.0/8' }), true)
    assert.equal(await ssh2_publickey_add(pkey, 'ssh-rsa', 'text'), true)
    assert.deepEqual(await ssh2_publickey_list(pkey), [
      { name: type, blob, attrs: { comment: 'grüße', from: '10.0.0.0/8' } },
      { name: 'ssh-rsa', blob: Buffer.from('text'), attrs: {} },
    ])
    const refused = await warnings(async () => assert.equal(await ssh2_publickey_add(pkey, type, blob), false))
    assert.match(refused.join('\n'), /^ssh2_publickey_add\(\): Unable to add ssh-ed25519 key: .*already present[^\n]*$/)
    assert.equal(ssh2_last_error(pkey)?.code, 'ERR_SSH_PUBLICKEY_FAILURE')
    assert.equal(await ssh2_publickey_add(pkey, type, blob, true), true)
    assert.equal(await ssh2_publickey_remove(pkey, 'ssh-rsa', 'text'), true)
    assert.deepEqual(await ssh2_publickey_list(pkey), [{ name: type, blob, attrs: {} }])
    const missing = await warnings(async () =>
      assert.equal(await ssh2_publickey_remove(pkey, 'ssh-rsa', 'text'), false),
    )
    assert.match(missing.join('\n'), /^ssh2_publickey_remove\(\): Unable to remove ssh-rsa key: .*not found[^\n]*$/)
  })

  test('attributes that the server does not know', async (t) => {
    const { pkey } = await withKeys(t)
    assert.equal(await ssh2_publickey_add(pkey, type, blob, false, { '*agent': '' }), false)
    assert.match(ssh2_last_error(pkey)?.message ?? '', /attribute not supported/)
    assert.deepEqual(await ssh2_publickey_list(pkey), [])
    const attributes = { 7: 'seven', '': 'none', '*': 'none', agent: '', ['__proto__']: 'own', comment: 5 }
    const seen = await warnings(async () =>
      assert.equal(await ssh2_publickey_add(pkey, type, blob, false, attributes), true),
    )
    assert.deepEqual(seen, [
      'ssh2_publickey_add(): Malformed attribute array, contains numeric index',
      'ssh2_publickey_add(): Empty attribute key',
      'ssh2_publickey_add(): Empty attribute key',
    ])
    const [key] = given(await ssh2_publickey_list(pkey))
    assert.deepEqual(
      new Map(Object.entries(key?.attrs ?? {})),
      new Map(Object.entries({ agent: '', ['__proto__']: 'own', comment: '5' })),
    )
  })

  test('a server without it, and a session without a login', async (t) => {
    const { session, server } = await loggedIn(t)
    const seen = await warnings(async () => assert.equal(await ssh2_publickey_init(session), false))
    assert.match(seen.join('\n'), /^ssh2_publickey_init\(\): Unable to initialize publickey subsystem: /)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_REQUEST_REFUSED')
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo on'))), 'on\n')
    const stranger = given(await ssh2_connect(server.host, server.port))
    t.after(() => ssh2_disconnect(stranger))
    assert.equal(await ssh2_publickey_init(stranger), false)
    assert.equal(ssh2_last_error(stranger)?.code, 'ERR_SSH_AUTHENTICATION')
  })

  test('arguments of a wrong type', async (t) => {
    const { session, pkey } = await withKeys(t)
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
    await assert.rejects(ssh2_publickey_list(wrong(session)), refused)
    await assert.rejects(ssh2_publickey_add(wrong({}), type, blob), refused)
    await assert.rejects(ssh2_publickey_add(pkey, wrong(1), blob), refused)
    await assert.rejects(ssh2_publickey_add(pkey, type, wrong(null)), refused)
    await assert.rejects(ssh2_publickey_add(pkey, type, blob, wrong('yes')), refused)
    await assert.rejects(ssh2_publickey_add(pkey, type, blob, false, wrong('comment')), refused)
    await assert.rejects(ssh2_publickey_remove(pkey, type, wrong([])), refused)
    await assert.rejects(ssh2_publickey_init(wrong(pkey)), refused)
    assert.deepEqual(await ssh2_publickey_list(pkey), [])
  })

  test('fclose() ends it, and the session goes on', async (t) => {
    const { session, server, pkey } = await withKeys(t)
    assert.equal((await running(server)).length > 0, true)
    assert.equal(await fclose(pkey), true)
    await nothingRuns(server)
    assert.equal(await ssh2_publickey_list(pkey), false)
    assert.equal(ssh2_last_error(pkey)?.code, 'ERR_SSH_CLOSED')
    assert.equal(await fclose(pkey), true)
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo on'))), 'on\n')
    const again = given(await ssh2_publickey_init(session))
    assert.equal(await ssh2_disconnect(session), true)
    assert.equal(await ssh2_publickey_add(again, type, blob), false)
    await nothingRuns(server)
  })

  test('what ssh2_set_timeout() has given up is no answer to anything else', async (t) => {
    const { session, server, pkey } = await withKeys(t)
    const awake = await stopped(server)
    ssh2_set_timeout(session, 0, 200_000)
    const answers = [ssh2_publickey_list(pkey), ssh2_publickey_add(pkey, type, blob)]
    assert.deepEqual(await Promise.all(answers), [false, false])
    assert.equal(ssh2_last_error(pkey)?.limit, 'timeout')
    awake()
    ssh2_set_timeout(session, 0)
    // The key of the call that had to wait for its turn was never sent.
    assert.deepEqual(await ssh2_publickey_list(pkey), [])
  })

  test('a start that ssh2_set_timeout() has given up leaves nothing behind', async (t) => {
    const { session, server } = await withPublickey(t)
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_publickey_init(session), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    for (const { pid, role } of await server.processes()) if (role === 'connection') signalIfAlive(pid, 'SIGCONT')
    ssh2_set_timeout(session, 0)
    // Its answer comes behind all that the server does for what was asked before.
    assert.equal(await stream_get_contents(given(await ssh2_exec(session, 'echo on'))), 'on\n')
    await nothingRuns(server)
    assert.deepEqual(await ssh2_publickey_list(given(await ssh2_publickey_init(session))), [])
  })
})

/** What the types forbid. */
function wrong(value: unknown): never {
  return value as never
}

async function nothingRuns(server: SshdServer): Promise<void> {
  while ((await running(server)).length > 0) await delay(20)
}

/** Stops what serves the subsystem. @returns what lets it go on */
async function stopped(server: SshdServer): Promise<() => void> {
  const pids = (await running(server)).map(({ pid }) => pid)
  assert.ok(pids.length > 0)
  for (const pid of pids) signalIfAlive(pid, 'SIGSTOP')
  return () => {
    for (const pid of pids) signalIfAlive(pid, 'SIGCONT')
  }
}
