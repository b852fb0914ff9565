import type { Channel, ChannelSink } from '#src/connection/channel.js'
import { CoreEnd, type CoreOptions } from './core-end.js'
import { clientOptions, serverOptions } from './options.js'
import { Random } from './random.js'
import { ScriptedPeer, type ScriptOptions } from './scripted-peer.js'
import { SimulatedTime } from './simulated-time.js'
import { Stream } from './stream.js'

interface Joined<Client, Server> {
  readonly time: SimulatedTime
  readonly random: Random
  readonly client: Client
  readonly server: Server
  readonly toServer: Stream
  readonly toClient: Stream
}

/** Two real connections, one in each role, and nothing between them but simulated time. */
export function corePair(
  options: { seed?: number; client?: Partial<CoreOptions>; server?: Partial<CoreOptions> } = {},
): Joined<CoreEnd, CoreEnd> {
  const { time, random, toServer, toClient } = world(options.seed)
  const client = new CoreEnd(time, random, toServer, clientOptions(options.client))
  const server = new CoreEnd(time, random, toClient, serverOptions(options.server))
  toServer.readBy(server)
  toClient.readBy(client)
  client.connection.start()
  server.connection.start()
  return { time, random, client, server, toServer, toClient }
}

/** A real client and a server that does what it is told; the test starts the server. */
export function scriptedServer(
  options: { seed?: number; client?: Partial<CoreOptions>; script?: ScriptOptions } = {},
): Joined<CoreEnd, ScriptedPeer> {
  const { time, random, toServer, toClient } = world(options.seed)
  const client = new CoreEnd(time, random, toServer, clientOptions(options.client))
  const server = new ScriptedPeer(random, toClient, options.script)
  toServer.readBy(server)
  toClient.readBy(client)
  client.connection.start()
  return { time, random, client, server, toServer, toClient }
}

/** The same, started and logged in. */
export async function loggedIn(
  options: { seed?: number; client?: Partial<CoreOptions>; script?: ScriptOptions } = {},
): Promise<Joined<CoreEnd, ScriptedPeer>> {
  const joined = scriptedServer(options)
  joined.server.start()
  const outcome = await joined.time.outcome(joined.client.connection.ready, 1000)
  if (outcome.status !== 'fulfilled') throw new Error('the scripted login failed', { cause: outcome })
  return joined
}

function world(seed = 1) {
  const time = new SimulatedTime()
  return { time, random: new Random(seed), toServer: new Stream(time), toClient: new Stream(time) }
}

/** A sink that writes down what it hears. */
export class NotingSink implements ChannelSink {
  readonly heard: string[] = []
  bytes = 0
  /** Whether data is taken at once, as by a program that reads. */
  readonly #consumes: boolean
  readonly #channel: Channel

  constructor(channel: Channel, { consumes = true } = {}) {
    this.#channel = channel
    this.#consumes = consumes
  }

  data(bytes: Buffer): void {
    this.bytes += bytes.length
    this.heard.push(`data ${bytes.length}`)
    if (this.#consumes) this.#channel.consumed(bytes.length)
  }

  extendedData(type: number, bytes: Buffer): void {
    this.bytes += bytes.length
    this.heard.push(`extended ${type} ${bytes.length}`)
    if (this.#consumes) this.#channel.consumed(bytes.length)
  }

  eof(): void {
    this.heard.push('eof')
  }

  request(type: string): boolean {
    this.heard.push(`request ${type}`)
    return true
  }

  adjusted(): void {
    this.heard.push('adjusted')
  }

  pendingBytes(): number {
    return 0
  }

  closed(): void {
    this.heard.push('closed')
  }

  lost(): void {
    this.heard.push('lost')
  }
}
