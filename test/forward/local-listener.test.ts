import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listen } from '#src/forward/local-listener.js'
import { reachLocally } from '#src/forward/local-target.js'
import { listenContext } from './listen-context.js'

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'holdfast-listen-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a socket file is for its user alone from its first instant', {
  skip: process.platform === 'win32',
}, async (t) => {
  const file = path.join(folder(t), 'socket')
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const modes: number[] = []
  const original: unknown = Reflect.get(net.Server.prototype, 'listen')
  assert.ok(typeof original === 'function')
  t.mock.method(net.Server.prototype, 'listen', function (this: net.Server, options: net.ListenOptions) {
    Reflect.apply(original, this, [options])
    modes.push(statSync(file).mode & 0o777)
    return this
  })
  const { server } = await listen({ path: file }, listenContext())
  t.after(() => server.close())
  assert.deepEqual(modes, [0o600])
  assert.equal(process.umask(0), 0)
})

test('what it accepts holds no small pieces back', async (t) => {
  const { server, address } = await listen({ host: '127.0.0.1', port: 0 }, listenContext())
  t.after(() => server.close())
  const accepted = once(server, 'connection')
  const client = net.connect({ host: '127.0.0.1', port: address.port ?? 0 })
  t.after(() => client.destroy())
  const [socket] = (await accepted) as [net.Socket]
  socket.destroy()
  // Node tells nobody; it keeps it for itself.
  const own = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSetNoDelay')
  assert.ok(own)
  assert.equal(Reflect.get(socket, own), true)
})

test('a path that is too long for a socket is an error, and not cut off', {
  skip: process.platform === 'win32',
}, async (t) => {
  const made = folder(t)
  const place = { path: path.join(made, 'x'.repeat(110)) }
  await assert.rejects(listen(place, listenContext()), { code: 'ERR_SSH_LISTEN', message: /at most 10\d bytes/ })
  assert.deepEqual(readdirSync(made), [])
  const { port } = listenContext()
  const context = { port, limits: { dns: 1000, tcp: 1000 }, signal: new AbortController().signal }
  await assert.rejects(reachLocally(place, context), { code: 'ERR_SSH_CONNECT', message: /at most 10\d bytes/ })
})

test('the processes of a cluster do not get each other’s connections', async (t) => {
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('fixtures/cluster-process.js', import.meta.url)),
    execArgv: [],
    args: [],
  })
  const both = [cluster.fork(), cluster.fork()]
  t.after(() => both.map((each) => each.kill()))
  const ports = await Promise.all(both.map(async (each) => ((await once(each, 'message')) as [number])[0]))
  assert.ok(ports.every((port) => port > 0))
  assert.equal(new Set(ports).size, 2)
})

test('the text of one that was aborted is a sentence', async () => {
  const listening = listen({ host: '127.0.0.1', port: 0 }, { ...listenContext(), signal: AbortSignal.abort() })
  await assert.rejects(listening, { code: 'ERR_SSH_ABORTED', message: /aborted while waiting for .*127\.0\.0\.1:0$/ })
})
