import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  fclose,
  ini_get,
  ini_restore,
  ini_set,
  ssh2_auth_password,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_forward_listen,
  ssh2_keepalive_config,
  ssh2_keepalive_send,
  ssh2_last_error,
} from 'holdfast/ext-ssh2'
import { server as embedded, network } from '../promises/support/embedded.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { given, loggedIn } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))

describe('ssh2_keepalive_config() and ssh2_keepalive_send(), by the rules of libssh2', {
  skip,
  timeout: 120_000,
}, () => {
  test('the first goes at once, and the next an interval later', async (t) => {
    const { session } = await loggedIn(t)
    ssh2_keepalive_config(session, true, 100)
    assert.equal(await ssh2_keepalive_send(session), 100)
    const left = given(await ssh2_keepalive_send(session))
    assert.ok(left > 0 && left <= 100, String(left))
    // Only sending sets the clock back: a shorter interval counts from the last one too.
    ssh2_keepalive_config(session, true, 50)
    assert.ok(given(await ssh2_keepalive_send(session)) <= 50)
    ssh2_keepalive_config(session, true, 0)
    assert.equal(await ssh2_keepalive_send(session), 0)
  })

  test('1 is 2; without an answer; and what is no interval', async (t) => {
    const { session } = await loggedIn(t)
    ssh2_keepalive_config(session, false, 1)
    assert.equal(await ssh2_keepalive_send(session), 2)
    ssh2_keepalive_config(session, false, -1)
    ssh2_keepalive_config(session, false, 4_294_967_296)
    assert.ok(given(await ssh2_keepalive_send(session)) <= 2)
    assert.throws(() => ssh2_keepalive_config(session, 1 as unknown as boolean, 1), {
      name: 'TypeError',
      message: 'ssh2_keepalive_config(): Argument #2 ($want_reply) must be of type bool, int given',
    })
  })

  test('before the login, and by an ini name', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    assert.equal(ini_set('ssh2.keepalive', '300'), '')
    t.after(() => ini_restore('ssh2.keepalive'))
    assert.equal(ini_get('ssh2.keepalive'), '300')
    assert.equal(ini_set('no.such.name', 1), false)
    const session = given(await ssh2_connect(server.host, server.port))
    assert.equal(await ssh2_keepalive_send(session), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^Connection not authenticated/)
    await ssh2_auth_password(session, server.username, server.password)
    assert.equal(await ssh2_keepalive_send(session), 300)
    await ssh2_disconnect(session)
    const early = given(await ssh2_connect(server.host, server.port))
    ssh2_keepalive_config(early, true, 200)
    await ssh2_auth_password(early, server.username, server.password)
    assert.equal(await ssh2_keepalive_send(early), 200)
    await ssh2_disconnect(early)
    assert.equal(await ssh2_keepalive_send(early), false)
  })
})

describe('what ssh2_keepalive_send() sends', { timeout: 120_000 }, () => {
  for (const wantReply of [true, false]) {
    test(`with want_reply ${wantReply}`, { timeout: 60_000 }, async (t) => {
      const relay = await network(t, await embedded(t, { forwarding: true }))
      const session = given(await ssh2_connect(relay.host, relay.port))
      t.after(() => ssh2_disconnect(session))
      assert.equal(await ssh2_auth_password(session, 'deploy', 'secret'), true)
      ssh2_keepalive_config(session, wantReply, 1000)
      // Its answer comes behind all that was still on its way.
      assert.equal(await fclose(given(await ssh2_forward_listen(session, 0, '127.0.0.1'))), true)
      const before = relay.stats().passed
      assert.equal(await ssh2_keepalive_send(session), 1000)
      if (wantReply) assert.ok(relay.stats().passed.toClient > before.toClient, 'no answer came')
      while (relay.stats().passed.toServer === before.toServer) await delay(20)
      const { toServer } = relay.stats().passed
      assert.ok(given(await ssh2_keepalive_send(session)) > 0)
      await delay(300)
      assert.equal(relay.stats().passed.toServer, toServer, 'one went out that was not due')
      if (!wantReply) assert.equal(relay.stats().passed.toClient, before.toClient, 'an answer came')
    })
  }
})
