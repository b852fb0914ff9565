import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, connect as tcp } from 'node:net'
import { describe, test } from 'node:test'
import {
  fclose,
  fgets,
  fread,
  fwrite,
  SSH2_POLL_CHANNEL_CLOSED,
  SSH2_POLL_LISTENER_CLOSED,
  SSH2_POLLEXT,
  SSH2_POLLIN,
  SSH2_POLLOUT,
  ssh2_exec,
  ssh2_forward_accept,
  ssh2_forward_listen,
  ssh2_forward_port,
  ssh2_last_error,
  ssh2_poll,
  ssh2_set_timeout,
  ssh2_tunnel,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { prepareSshd } from '../servers/sshd.js'
import { given, loggedIn } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))

describe('ssh2_tunnel(), ssh2_forward_listen() and ssh2_poll()', { skip, timeout: 120_000 }, () => {
  test('a tunnel', async (t) => {
    const { session } = await loggedIn(t)
    const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    t.after(() => echo.close())
    await once(echo, 'listening')
    const address = echo.address()
    assert.ok(typeof address === 'object' && address !== null)
    const tunnel = given(await ssh2_tunnel(session, '127.0.0.1', address.port))
    assert.equal(await fwrite(tunnel, 'hello\nworld'), 11)
    assert.equal(await fgets(tunnel), 'hello\n')
    tunnel.end()
    assert.equal(await stream_get_contents(tunnel), 'world')
    assert.equal(await fclose(tunnel), true)
    assert.equal(await ssh2_tunnel(session, '127.0.0.1', await freePort()), false)
    assert.equal(ssh2_last_error(session)?.code, 'ERR_SSH_CHANNEL_OPEN')
  })

  test('connections to where the server listens', async (t) => {
    const { session } = await loggedIn(t)
    const listener = given(await ssh2_forward_listen(session, 0, '127.0.0.1', 1))
    const port = ssh2_forward_port(listener)
    const accepted = ssh2_forward_accept(listener)
    const caller = tcp(port, '127.0.0.1')
    t.after(() => caller.destroy())
    caller.write('one\n')
    const stream = given(await accepted)
    assert.equal(await fgets(stream), 'one\n')
    await fwrite(stream, 'two\n')
    const [answer]: Buffer[] = (await once(caller, 'data')) as Buffer[]
    assert.equal(String(answer), 'two\n')

    // One may wait, and the next is closed.
    const waiting = tcp(port, '127.0.0.1')
    t.after(() => waiting.destroy())
    const descriptor = { resource: listener, events: SSH2_POLLIN, revents: 0 }
    assert.equal(await ssh2_poll([descriptor]), 1)
    assert.equal(descriptor.revents, SSH2_POLLIN)
    const oneMore = tcp(port, '127.0.0.1').resume()
    oneMore.on('error', () => {})
    await once(oneMore, 'close')
    assert.notEqual(await ssh2_forward_accept(listener), false)

    ssh2_set_timeout(session, 0, 100_000)
    assert.equal(await ssh2_forward_accept(listener), false)
    assert.equal(ssh2_last_error(listener)?.limit, 'timeout')
    ssh2_set_timeout(session, 0)
    const last = ssh2_forward_accept(listener)
    assert.equal(await fclose(listener), true)
    assert.equal(await last, false)
    assert.equal(await ssh2_poll([descriptor]), 1)
    assert.equal(descriptor.revents, SSH2_POLL_LISTENER_CLOSED)
  })

  test('the end of a listener ends what nobody has accepted, and no more', { timeout: 60_000 }, async (t) => {
    const { session } = await loggedIn(t)
    const listener = given(await ssh2_forward_listen(session, 0, '127.0.0.1'))
    const port = ssh2_forward_port(listener)
    const caller = tcp(port, '127.0.0.1', () => caller.write('one\n'))
    t.after(() => caller.destroy())
    const stream = given(await ssh2_forward_accept(listener))
    const waiting = tcp(port, '127.0.0.1').resume()
    t.after(() => waiting.destroy())
    waiting.on('error', () => {})
    const left = once(waiting, 'close')
    const descriptor = { resource: listener, events: SSH2_POLLIN, revents: 0 }
    assert.equal(await ssh2_poll([descriptor]), 1)
    assert.equal(await fclose(listener), true)
    await left
    assert.equal(await ssh2_forward_accept(listener), false)
    assert.equal(await fgets(stream), 'one\n')
    assert.equal(await fwrite(stream, 'two\n'), 4)
    const [answer]: Buffer[] = (await once(caller, 'data')) as Buffer[]
    assert.equal(String(answer), 'two\n')
    assert.equal(await fclose(stream), true)
  })

  test('0 connections that may wait are as many as come, as in libssh2', { timeout: 60_000 }, async (t) => {
    const { session } = await loggedIn(t)
    const listener = given(await ssh2_forward_listen(session, 0, '127.0.0.1', 0))
    const caller = tcp(ssh2_forward_port(listener), '127.0.0.1', () => caller.write('hello\n'))
    t.after(() => caller.destroy())
    assert.equal(await fgets(given(await ssh2_forward_accept(listener))), 'hello\n')
  })

  test('what is polled', async (t) => {
    const { session } = await loggedIn(t)
    const stream = given(await ssh2_exec(session, 'read line; echo "$line"; read line; echo "$line" >&2'))
    const descriptor = { resource: stream, events: SSH2_POLLIN | SSH2_POLLEXT, revents: 99 }
    assert.equal(await ssh2_poll([descriptor], 0), 0)
    assert.equal(descriptor.revents, 0)
    assert.equal(await ssh2_poll([{ resource: stream, events: SSH2_POLLOUT }], 0), 1)
    await fwrite(stream, 'first\n')
    assert.equal(await ssh2_poll([descriptor]), 1)
    assert.equal(descriptor.revents, SSH2_POLLIN)
    assert.equal(String(await fread(stream, 100)), 'first\n')
    await fwrite(stream, 'second\n')
    assert.equal(await ssh2_poll([descriptor]), 1)
    assert.ok((descriptor.revents & SSH2_POLLEXT) !== 0)
    assert.equal(await stream_get_contents(stream), '')
    assert.equal(await ssh2_poll([descriptor]), 1)
    assert.ok((descriptor.revents & SSH2_POLL_CHANNEL_CLOSED) !== 0)
    assert.equal(await ssh2_poll([]), 0)
  })
})
