/** What a server still does after `ssh2_set_timeout()` has let a program go on must not be left to itself. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, connect as tcp } from 'node:net'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import v8 from 'node:v8'
import {
  fclose,
  fgets,
  type Ssh2Session,
  ssh2_auth_none,
  ssh2_auth_password,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_exec,
  ssh2_forward_accept,
  ssh2_forward_listen,
  ssh2_forward_port,
  ssh2_keepalive_config,
  ssh2_last_error,
  ssh2_set_timeout,
  ssh2_tunnel,
  stream_get_contents,
} from 'holdfast/ext-ssh2'
import { signalConnections } from '../promises/support/signals.js'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { signalIfAlive } from '../servers/process-tree.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { running, sshd } from '../session/sshd.js'
import { given, loggedIn } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))

describe('a call that ssh2_set_timeout() gives up is undone', { skip, timeout: 120_000 }, () => {
  test('a login that the server could still accept ends the session', { timeout: 60_000 }, async (t) => {
    const { session, server } = await greeted(t)
    const warned = warnings(t)
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    await thaw(server)
    ssh2_set_timeout(session, 0)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^the session was ended: .* could still have accepted/)
    assert.equal(await ssh2_exec(session, 'true'), false)
    assert.ok(warned.some((text) => text.startsWith('ssh2_auth_password(): the session was ended')))
    await settledOnServer(server)
  })

  test('a login whose turn has not come is taken back, and the session goes on', { timeout: 60_000 }, async (t) => {
    const { session, server } = await greeted(t)
    await signalConnections(server, 'SIGSTOP')
    const first = ssh2_auth_password(session, server.username, 'wrong')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    ssh2_set_timeout(session, 0)
    await thaw(server)
    assert.equal(await first, false)
    assert.equal(await ssh2_exec(session, 'true'), false)
    assert.match(ssh2_last_error(session)?.message ?? '', /^Connection not authenticated/)
    assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
  })

  test('a server that begins to listen later is told not to', { timeout: 60_000 }, async (t) => {
    const { session, server } = await patient(t)
    const port = await freePort()
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_forward_listen(session, port, '127.0.0.1'), false)
    assert.equal(ssh2_last_error(session)?.limit, 'timeout')
    ssh2_set_timeout(session, 0)
    await thaw(server)
    // Answered in order: once this is, the first one was.
    given(await ssh2_forward_listen(session, 0, '127.0.0.1'))
    while (await isOpen(port)) await delay(20)
    const again = given(await ssh2_forward_listen(session, port, '127.0.0.1'))
    assert.equal(ssh2_forward_port(again), port)
  })

  test('a command that the server starts later is ended', { timeout: 60_000 }, async (t) => {
    const { session, server } = await patient(t)
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_exec(session, 'exec sleep 1000'), false)
    ssh2_set_timeout(session, 0)
    await thaw(server)
    const echo = given(await ssh2_exec(session, 'echo there'))
    assert.equal(await stream_get_contents(echo), 'there\n')
    while ((await running(server)).length > 0) await delay(20)
  })

  test('a tunnel that the server opens later is closed', { timeout: 60_000 }, async (t) => {
    const { session, server } = await patient(t)
    const ends = new EventEmitter()
    const ended = once(ends, 'closed')
    const sockets = createServer((socket) => socket.resume().on('close', () => ends.emit('closed')))
    sockets.listen(0, '127.0.0.1')
    t.after(() => sockets.close())
    await once(sockets, 'listening')
    const address = sockets.address()
    assert.ok(typeof address === 'object' && address !== null)
    await signalConnections(server, 'SIGSTOP')
    ssh2_set_timeout(session, 0, 200_000)
    assert.equal(await ssh2_tunnel(session, '127.0.0.1', address.port), false)
    ssh2_set_timeout(session, 0)
    await thaw(server)
    await ended
  })

  test('to wait for a connection that nobody makes leaves nothing behind', { timeout: 60_000 }, async (t) => {
    const { session } = await patient(t)
    const listener = given(await ssh2_forward_listen(session, 0, '127.0.0.1'))
    const accepts = async (count: number) => {
      ssh2_set_timeout(session, 0, 1000)
      for (let made = 0; made < count; made++) assert.equal(await ssh2_forward_accept(listener), false)
      ssh2_set_timeout(session, 0)
    }
    await accepts(1)
    const before = signals()
    await accepts(20)
    assert.ok(signals() - before < 10, `${signals() - before} signals are held`)

    const accepted = ssh2_forward_accept(listener)
    const caller = tcp(ssh2_forward_port(listener), '127.0.0.1', () => caller.write('hello\n'))
    t.after(() => caller.destroy())
    assert.equal(await fgets(given(await accepted)), 'hello\n')
    assert.equal(await fclose(listener), true)
  })
})

/** A session on which a method was refused already: the next one is asked for at once. */
async function greeted(t: TestContext): Promise<{ readonly session: Ssh2Session; readonly server: SshdServer }> {
  const server = await sshd(t, { version: '9.2' })
  const session = given(await ssh2_connect(server.host, server.port))
  t.after(() => ssh2_disconnect(session))
  assert.notEqual(await ssh2_auth_none(session, server.username), false)
  return { session, server }
}

/** A session to which a frozen server is not dead. */
async function patient(t: TestContext): Promise<{ readonly session: Ssh2Session; readonly server: SshdServer }> {
  const { session, server } = await loggedIn(t)
  ssh2_keepalive_config(session, true, 0)
  return { session, server }
}

async function thaw(server: SshdServer): Promise<void> {
  for (const { pid } of await server.processes()) signalIfAlive(pid, 'SIGCONT')
}

/** Until nothing on the server serves a connection any more. */
async function settledOnServer(server: SshdServer): Promise<void> {
  while ((await server.processes()).some(({ role }) => role === 'connection')) await delay(50)
}

function isOpen(port: number): Promise<boolean> {
  const socket = tcp(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).then((isThere) => {
    socket.destroy()
    return isThere === true
  })
}

/** What is warned of from now on. */
function warnings(t: TestContext): readonly string[] {
  const texts: string[] = []
  const note = ({ name, message }: Error) => {
    if (name === 'Ssh2Warning') texts.push(message)
  }
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  return texts
}

/** How many are still reachable. */
function signals(): number {
  return v8.queryObjects(AbortSignal, { format: 'count' })
}
