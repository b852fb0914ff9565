// The server that ssh2 has: in the same process, as in the tests of many programs, where what it emits counts too.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { ConnectConfig } from 'holdfast/ssh2'
import type * as ssh2 from 'ssh2'
import { ed25519Pair } from '../support/ssh2-key-pair.js'
import { type Client, dropIn, type Library, original, within } from './record.js'

export const { Server, utils } = createRequire(import.meta.url)('ssh2') as typeof ssh2
const ed25519 = ed25519Pair().private

export interface Scene {
  readonly hostKey?: string
  readonly banner?: string
  readonly config?: Omit<ConnectConfig, 'host' | 'port'>
  /** What the server does with a connection; it accepts whoever logs in, where this says nothing of it. */
  serve?(connection: ssh2.Connection, seen: unknown[]): void
  /** What the program does; the connection is over when it ends by itself. */
  /** What differs by the library of it. */
  configure?(library: Library, seen: unknown[]): ConnectConfig
  play(client: Client, seen: unknown[], library: Library): void
}

/** Both sides of a connection to its end, with either library: what they saw must be the same. */
export async function compareOwn(t: TestContext, scene: Scene): Promise<readonly unknown[]> {
  const theirs = await played(t, scene, original)
  const ours = await played(t, scene, dropIn)
  assert.deepEqual(ours, theirs)
  return ours
}

/** The same with one of them alone. */
export async function played(t: TestContext, scene: Scene, library: Library): Promise<readonly unknown[]> {
  const seen: unknown[] = []
  const served: Promise<unknown>[] = []
  const server = new Server(
    { hostKeys: [scene.hostKey ?? ed25519], ...(scene.banner !== undefined && { banner: scene.banner }) },
    (connection) => {
      connection.on('error', (error) => seen.push(['server', error.message]))
      served.push(new Promise<void>((resolve) => void connection.on('close', () => resolve())))
      if (scene.serve !== undefined) scene.serve(connection, seen)
      if (connection.listenerCount('authentication') === 0)
        connection.on('authentication', (context) => context.accept())
    },
  )
  t.after(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new library.Client()
  client.on('error', ({ message, level }) => seen.push([message, level]))
  client.on('end', () => seen.push('end'))
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.on('close', () => seen.push('close'))
  scene.play(client, seen, library)
  const { port } = server.address() as AddressInfo
  client.connect({
    host: '127.0.0.1',
    port,
    username: 'somebody',
    password: 'secret',
    ...scene.config,
    ...scene.configure?.(library, seen),
  })
  await within(closed, 'the end of the client')
  await within(Promise.all(served), 'the end of the server')
  return seen
}
