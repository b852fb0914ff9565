import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { createServer, connect as tcp } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { type Channel, HTTPAgent } from 'holdfast/ssh2'
import { skipReason } from '../servers/availability.js'
import { freePort } from '../servers/port.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { directory } from './directory.js'
import { compare, configOf, outcome, value } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

/** A server of this machine that answers what it gets in capitals. */
async function shouting(t: TestContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    void text(socket).then((said) => socket.end(said.toUpperCase()))
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

describe('forwards over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('forwardOut', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const port = await shouting(t)
    const nobody = await freePort()
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const stream = await value<Channel>((done) => client.forwardOut('1.2.3.4', 5, '127.0.0.1', port, done))
      stream.on('close', (...args: unknown[]) => note('close', ...args))
      stream.end('hello')
      note('said', await text(stream))
      note('type', stream.type, stream.subtype)
      note('refused', await outcome((done) => client.forwardOut('', 0, '127.0.0.1', nobody, done)))
      // That of a socket which is gone is undefined.
      for (const from of [undefined, -1, 2 ** 40]) {
        const came = await outcome<Channel>((done) => client.forwardOut('', from as number, '127.0.0.1', port, done))
        note(`from port ${from}`, came instanceof Error ? came : await text(came.end('hi')))
      }
      for (const to of [undefined, -1])
        note(`to port ${to}`, await outcome((done) => client.forwardOut('', 0, '127.0.0.1', to as never, done)))
      note('listens at port -1', await outcome((done) => client.forwardIn('127.0.0.1', -1, done)))
    })
  })

  test('forwardIn, and its end', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const port = await value<number>((done) => client.forwardIn('127.0.0.1', 0, done))
      note('a port', port > 0)
      client.on('tcp connection', ({ destIP, destPort, srcIP, srcPort }, accept) => {
        note('details', destIP, destPort === port, srcIP, srcPort > 0)
        const far = accept()
        void text(far).then((said) => far.end(said.toUpperCase()))
      })
      const socket = tcp({ port, host: '127.0.0.1', allowHalfOpen: true })
      socket.end('through it')
      note('said', await text(socket))
      note('taken', await outcome((done) => client.forwardIn('127.0.0.1', 1, done)))
      note('ended', await outcome((done) => client.unforwardIn('127.0.0.1', port, done)))
      note('ended twice', (await outcome((done) => client.unforwardIn('127.0.0.1', 1, done))) instanceof Error)
      const late = tcp(port, '127.0.0.1')
      note('late', ((await once(late, 'error')) as NodeJS.ErrnoException[])[0]?.code)
    })
  })

  test('a connection that is refused, at once or later', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const port = await value<number>((done) => client.forwardIn('127.0.0.1', 0, done))
      let turns = 0
      client.on('tcp connection', (_details, accept, reject) => {
        turns++
        if (turns === 1) reject()
        else if (turns === 2) setTimeout(reject, 20)
        else setTimeout(() => accept().end('late, but there'), 20)
      })
      for (const turn of ['at once', 'later']) note(turn, await text(tcp(port, '127.0.0.1')))
      note('accepted later', await text(tcp(port, '127.0.0.1')))
    })
  })

  test('Unix sockets both ways', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const folder = directory(t)
      const path = join(folder, 'socket')
      const client = await connect()
      note('listens', await outcome((done) => client.openssh_forwardInStreamLocal(path, done)))
      client.on('unix connection', ({ socketPath }, accept) => {
        note('details', socketPath === path)
        const far = accept()
        void text(far).then((said) => far.end(said.toUpperCase()))
      })
      const out = await value<Channel>((done) => client.openssh_forwardOutStreamLocal(path, done))
      out.end('around')
      note('said', await text(out))
      note('ends', await outcome((done) => client.openssh_unforwardInStreamLocal(path, done)))
      note('nobody', await outcome((done) => client.openssh_forwardOutStreamLocal(join(folder, 'none'), done)))
      note('no more', await outcome((done) => client.openssh_noMoreSessions(done)))
      const refused = await outcome<Channel>((done) => client.exec('true', done))
      note('no more sessions', refused instanceof Error)
    })
  })

  test('HTTPAgent carries requests', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const web = http.createServer((_, response) => void response.end('a page')).listen(0, '127.0.0.1')
    t.after(() => web.close())
    await once(web, 'listening')
    const agent = new HTTPAgent(await configOf(server))
    const address = web.address()
    const port = typeof address === 'object' ? address?.port : 0
    const [response] = (await once(http.get({ host: '127.0.0.1', port, agent }), 'response')) as [http.IncomingMessage]
    assert.equal(await text(response), 'a page')
  })
})
