import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { ChannelOpenError } from '#src/connection/openings.js'
import { Forwarding } from '#src/testing/forwarding.js'
import {
  encodeDirectStreamlocal,
  encodeStreamlocalForward,
  encodeTcpForward,
  encodeTcpOpening,
} from '#src/wire/forward-messages.js'
import { closed, countBytes, echo, tcpServer, unixServer } from '../forward/local-servers.js'
import { started } from '../forward/started.js'
import { corePair, NotingSink } from '../support/core/pair.js'

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'holdfast-forward-'))
  t.after(() => rm(made, { recursive: true, force: true }))
  return made
}

/** What is answered at a port of this machine to one byte. */
function ask(port = 0): Promise<string> {
  return text(net.connect({ host: '127.0.0.1', port }).end('x'))
}

test('the embedded server listens at any free port, or at one that is named, until it is given up', async (t) => {
  const { ssh } = await started(t)
  const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
  const forward = await ssh.forwardRemote({ to })
  const { host = '', port = 0 } = forward.address
  const answers = [1, 2, 3].map((size) => text(net.connect({ host, port }).end('x'.repeat(size))))
  assert.deepEqual(await Promise.all(answers), ['1 bytes', '2 bytes', '3 bytes'])
  await assert.rejects(ssh.forwardRemote({ listen: { port }, to }), { code: 'ERR_SSH_REQUEST_REFUSED' })
  await forward.close()
  const again = await ssh.forwardRemote({ listen: { port }, to })
  assert.equal(await text(net.connect({ host, port }).end('again')), '5 bytes')
  assert.deepEqual([forward.stats().accepted, again.stats().accepted], [3, 1])
  await again.close()
  const refused = net.connect({ host, port }).on('error', () => {})
  await closed(refused)
  assert.match(String(refused.errored), /ECONNREFUSED/)
})

test('it listens on loopback alone, and tells each forward from the other', async (t) => {
  const { ssh } = await started(t)
  const counting = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
  const echoing = { host: '127.0.0.1', port: await tcpServer(t, echo) }
  const everywhere = await ssh.forwardRemote({ listen: { host: '0.0.0.0' }, to: counting })
  const here = await ssh.forwardRemote({ to: echoing })
  assert.deepEqual([await ask(everywhere.address.port), await ask(here.address.port)], ['1 bytes', 'x'])
  const elsewhere = net.connect({ host: '127.0.0.2', port: everywhere.address.port ?? 0 }).on('error', () => {})
  await closed(elsewhere)
  assert.match(String(elsewhere.errored), /ECONNREFUSED/)
})

test('it listens at Unix sockets, and connects to them', async (t) => {
  const { ssh } = await started(t)
  const directory = await folder(t)
  const [target, there] = [path.join(directory, 'target'), path.join(directory, 'there')]
  await unixServer(t, target, countBytes)
  const forward = await ssh.forwardRemote({ listen: { path: there }, to: { path: target } })
  assert.equal(await text((await ssh.connectTo({ path: there })).end('round and round')), '15 bytes')
  await assert.rejects(ssh.forwardRemote({ listen: { path: there }, to: { path: target } }), {
    code: 'ERR_SSH_REQUEST_REFUSED',
  })
  await forward.close()
  await assert.rejects(stat(there), { code: 'ENOENT' })
})

test('it listens no more, and keeps no connection, once its client is gone', async (t) => {
  const { ssh, server } = await started(t)
  const to = { host: '127.0.0.1', port: await tcpServer(t, echo) }
  const forward = await ssh.forwardRemote({ to })
  const { host = '', port = 0 } = forward.address
  const client = net.connect({ host, port }).on('error', () => {})
  client.write('x')
  await once(client, 'data')
  server.connections[0]?.reset()
  await closed(client)
  const refused = net.connect({ host, port }).on('error', () => {})
  await closed(refused)
  assert.match(String(refused.errored), /ECONNREFUSED/)
})

test('a place that there cannot be is refused, and nothing else is harmed', async (t) => {
  const made: { forwarding?: Forwarding } = {}
  const { time, client, server } = corePair({
    server: {
      handlers: {
        channelOpen: (type, data) => made.forwarding?.channelOpen(type, data) ?? { refuse: 3, description: '' },
        globalRequest: (name, data) => made.forwarding?.globalRequest(name, data),
      },
    },
  })
  made.forwarding = new Forwarding(() => server.connection)
  t.after(() => made.forwarding?.end())
  await time.value(client.connection.ready, 5000)
  const { connection } = client
  const originator = { host: '127.0.0.1', port: 0 }
  const places = [
    ['direct-tcpip', encodeTcpOpening({ to: { host: '127.0.0.1', port: 65_536 }, originator })],
    ['direct-tcpip', encodeTcpOpening({ to: { host: '127.0.0.1', port: 2 ** 32 - 1 }, originator })],
    ['direct-streamlocal@openssh.com', encodeDirectStreamlocal('')],
    ['direct-streamlocal@openssh.com', encodeDirectStreamlocal('/tmp/a\0b')],
    ['direct-streamlocal@openssh.com', encodeDirectStreamlocal(`/${'x'.repeat(200)}`)],
  ] as const
  for (const [type, data] of places) {
    const { error } = await time.failure(
      connection.open(type, data, (channel) => new NotingSink(channel)),
      1000,
    )
    assert.ok(error instanceof ChannelOpenError && error.reason === 2, String(error))
  }
  const requests = [
    ['tcpip-forward', encodeTcpForward({ host: '127.0.0.1', port: 65_536 })],
    ['cancel-tcpip-forward', encodeTcpForward({ host: '127.0.0.1', port: 4711 })],
    ['streamlocal-forward@openssh.com', encodeStreamlocalForward('/nowhere/at/all')],
    ['streamlocal-forward@openssh.com', encodeStreamlocalForward('/tmp/a\0b')],
    ['cancel-streamlocal-forward@openssh.com', encodeStreamlocalForward('/nowhere/at/all')],
  ] as const
  for (const [name, data] of requests) {
    const outcome = connection.globalRequest(name, data).then(
      () => 'granted',
      (error: unknown) => (error as { code: string }).code,
    )
    // Listening is done by the machine itself, in its own time.
    const answered = { is: false }
    void outcome.then(() => (answered.is = true))
    while (!answered.is) {
      await new Promise(setImmediate)
      await time.run(1)
    }
    assert.equal(await outcome, 'ERR_SSH_REQUEST_REFUSED', name)
  }
  assert.deepEqual([client.cause, server.cause], [undefined, undefined])
})

test('replies to requests keep their order while a place to listen at is made', async (t) => {
  const { ssh } = await started(t)
  const to = { host: '127.0.0.1', port: await tcpServer(t, countBytes) }
  const made = await Promise.all([
    ssh.forwardRemote({ to }),
    ssh.keepalive.send(),
    ssh.forwardRemote({ to }),
    ssh.forwardRemote({ to }),
  ])
  const ports = made.flatMap((each) => ('address' in each ? [each.address.port] : []))
  assert.equal(new Set(ports).size, 3)
  assert.ok(ports.every((port) => port !== undefined && port > 0))
})
