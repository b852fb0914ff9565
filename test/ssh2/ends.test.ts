/** When the end of a connection is told: not before its socket is closed, in which the server has a part. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as tcp } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { Deferred } from '#src/liveness/deferred.js'
import { skipReason } from '../servers/availability.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { compare, dropIn, ready, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

interface Relay {
  readonly port: number
  /** Resolves once both sides of its first connection have ended it. */
  readonly ended: Promise<unknown>
  /** Tells the client that the server has. */
  readonly letGo: () => void
}

/** Stands before a server. That this one ended the first connection it keeps to itself. */
async function relay(t: TestContext, { host, port }: ReferenceServer): Promise<Relay> {
  const [held, ended] = [new Deferred<void>(), new Deferred<void>()]
  let count = 0
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const isFirst = count++ === 0
    const far = tcp({ host, port, allowHalfOpen: true })
    for (const side of [near, far]) side.on('error', () => {})
    t.after(() => {
      near.destroy()
      far.destroy()
    })
    near.pipe(far)
    far.pipe(near, { end: false })
    const ends = Promise.all([once(near, 'end'), once(far, 'end')])
    if (isFirst) void ends.then(() => ended.resolve(undefined))
    far.on('end', () => void (isFirst ? held.promise : Promise.resolve()).then(() => near.end()))
  })
  t.after(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return { port: address.port, ended: ended.promise, letGo: () => held.resolve(undefined) }
}

describe('ends over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('end and close are told when the server has ended it too, and the socket is destroyed', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const seen = await compare(t, server, async ({ connect, note }) => {
      for (const isGiven of [false, true]) {
        const { port, ended, letGo } = await relay(t, server)
        const sock = isGiven ? tcp({ host: '127.0.0.1', port }) : undefined
        const client = await connect({ host: '127.0.0.1', port, sock })
        let isLetGo = false
        for (const event of ['end', 'close'] as const) client.on(event, () => note(event, isLetGo))
        client.on('close', () => note('destroyed', Reflect.get(Object(Reflect.get(client, '_sock')), 'destroyed')))
        const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
        client.end()
        await ended
        isLetGo = true
        letGo()
        await closed
      }
    })
    assert.deepEqual(
      [seen['end'], seen['close'], seen['destroyed']],
      Array.from({ length: 3 }, () => [true, true]),
    )
  })

  test('a client that connects again as soon as its login has failed hears of both connections', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const seen = await compare(t, server, async ({ ssh2, config, note }) => {
      const { port, letGo } = await relay(t, server)
      const client = new ssh2.Client()
      t.after(() => void client.destroy())
      const settings = { ...config, host: '127.0.0.1', port }
      for (const event of ['connect', 'ready', 'end', 'close'] as const) client.on(event, () => note('events', event))
      client.once('error', () => {
        note('events', 'error')
        // As who waits for it by a promise does.
        queueMicrotask(() => client.once('connect', letGo).connect(settings))
      })
      const isReady = new Promise<void>((resolve) => client.once('ready', () => resolve()))
      // ssh2 forgets the timer of the first, which would go on.
      client.connect({ ...settings, privateKey: undefined, password: 'wrong', readyTimeout: 0 })
      await isReady
    })
    assert.deepEqual(seen['events'], ['connect', 'error', 'connect', 'end', 'close', 'ready'])
  })
})

test('a server that never ends the connection is waited for within the limit', { skip, timeout: 60_000 }, async (t) => {
  const server = await sshd(t, { version: '9.2' })
  const { port } = await relay(t, server)
  const { username, clientKeys } = server
  const config = { host: '127.0.0.1', port, username, privateKey: await readFile(clientKeys.ed25519.privateKey) }
  const client = await ready(t, dropIn, config)
  const closed = once(client, 'close')
  client.end()
  await within(closed, 'close')
})
