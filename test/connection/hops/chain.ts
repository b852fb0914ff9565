import assert from 'node:assert/strict'
import { defaultLimits } from '#src/client/limits.js'
import type { Channel, ChannelSink } from '#src/connection/channel.js'
import { defaultAlgorithms } from '#src/kex/algorithms.js'
import type { KeepaliveSettings } from '#src/liveness/settings.js'
import { Party, type Wire } from '../../sim/machine/party.js'
import { knowQuick, quick, quickSigner, quickVerifier } from '../../sim/machine/quick.js'
import { Path } from '../../sim/network/path.js'
import { connectTcp, type TcpConnection } from '../../sim/network/tcp.js'
import type { LinkPlan } from '../../sim/plan.js'
import { World } from '../../sim/world.js'
import { clientOptions, serverOptions } from '../../support/core/options.js'
import { NotingSink } from '../../support/core/pair.js'
import { Random } from '../../support/core/random.js'
import { deafSink, relayTo, Tunnel } from './tunnel.js'

knowQuick()

const none = Buffer.alloc(0)
const algorithms = { ...defaultAlgorithms, kex: [quick], cipher: [quick], named: [quick] }
/** Nobody but the client gives up. */
const patient = 1e9
const limits = { ...defaultLimits, identification: patient, keyExchange: patient, rekey: patient, prompt: patient }
/** From one host to the next. */
const cable: LinkPlan = {
  isCut: false,
  latencyMs: 0.1,
  jitterMs: 0,
  bytesPerMs: null,
  lossEvery: null,
  sendBuffer: 256 * 1024,
  receiveBuffer: 256 * 1024,
  natTimeoutMs: null,
}

export interface Link {
  readonly bytesPerMs: number
  readonly rttMs: number
  /** What the kernels at both ends of it hold. */
  readonly buffer: number
  /** One segment in so many is lost. @default none */
  readonly lossEvery?: number
}

export interface Upload {
  readonly bytes: number
  readonly hops: number
  readonly link: Link
  readonly keepalive: Pick<KeepaliveSettings, 'interval' | 'countMax'>
}

export interface Uploaded {
  /** Bytes a millisecond, in the second half; 0 where the upload did not end. */
  readonly speed: number
  /** Why a connection of the client ended. */
  readonly ended: string | undefined
  /** The longest time in which the client heard nothing on one of its connections. */
  readonly silentMs: number
}

/** Uploads to a program that reads, on a host that is reached through others; the way to the first is the link. */
export async function upload({ bytes, hops, link, keepalive }: Upload): Promise<Uploaded> {
  const chain = new Chain(keepalive)
  await chain.connect(link, hops)
  const since = chain.world.now()
  const speed = await chain.upload(bytes)
  const silences = chain.clients.map((client) => client.longestGapSince(since))
  return { speed, ended: chain.ended?.ending?.cause.code, silentMs: Math.max(...silences) }
}

/** A client and the host that it wants to reach, in simulated time. */
class Chain {
  readonly world = new World()
  /** The client's connections, that to the target last. */
  readonly clients: Party[] = []
  readonly #random = new Random(1)
  readonly #keepalive: KeepaliveSettings
  #received = 0

  constructor(keepalive: Upload['keepalive']) {
    this.#keepalive = { ...keepalive, wantReply: true, tcp: false }
  }

  /** The first of the client's connections that ended. */
  get ended(): Party | undefined {
    return this.clients.find(({ ending }) => ending !== undefined)
  }

  /** Connects to so many hops, and through them to the target. */
  async connect({ bytesPerMs, rttMs, buffer, lossEvery }: Link, hops: number): Promise<void> {
    const kernels = { sendBuffer: buffer, receiveBuffer: buffer }
    const first = this.#tcp({ ...cable, ...kernels, latencyMs: rttMs / 2, bytesPerMs, lossEvery: lossEvery ?? null })
    let client: Wire = first.client
    let server: Wire = first.server
    for (let hop = 0; hop < hops; hop++) {
      const onward = this.#tcp(cable)
      const way = this.#join(client, server, (channel) => relayTo(onward.client, channel))
      client = await this.#value(way.connection.ready.then(() => openTunnel(way)))
      server = onward.server
    }
    const target = this.#join(client, server, (channel) => this.#program(channel))
    await this.#value(target.connection.ready)
  }

  /** @returns bytes a millisecond in the second half; 0 where a connection ended first */
  async upload(bytes: number): Promise<number> {
    const target = this.clients.at(-1)
    assert.ok(target !== undefined)
    const channel = await this.#value(target.connection.open('session', none, (opened) => new NotingSink(opened)))
    const piece = Buffer.alloc(256 * 1024)
    for (let at = 0; at < bytes; at += piece.length) channel.write(piece.subarray(0, bytes - at))
    await this.#runUntil(() => this.#received >= bytes / 2)
    const [half, halfAt] = [this.#received, this.world.now()]
    await this.#runUntil(() => this.#received >= bytes)
    return this.ended === undefined ? (this.#received - half) / (this.world.now() - halfAt) : 0
  }

  #program(channel: Channel): ChannelSink {
    return {
      ...deafSink,
      data: ({ length }) => {
        this.#received += length
        channel.consumed(length)
      },
    }
  }

  async #value<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.#runUntil(() => isSettled)
    assert.ok(isSettled, 'a connection ended before')
    return promise
  }

  async #runUntil(isDone: () => boolean): Promise<void> {
    await this.world.run(
      () => isDone() || this.ended !== undefined,
      () => {},
    )
  }

  #tcp(link: LinkPlan): TcpConnection {
    return connectTcp(this.world, this.#random, new Path(link, []), link, [])
  }

  /** A client and a server at the two ends of what joins them. */
  #join(wire: Wire, far: Wire, accept: (channel: Channel) => ChannelSink): Party {
    const client = new Party(this.world, this.#random, wire, {
      isCut: false,
      core: clientOptions({ keepalive: this.#keepalive, verifier: quickVerifier, algorithms }),
    })
    const server = new Party(this.world, this.#random, far, {
      isCut: false,
      core: serverOptions({
        limits,
        signer: quickSigner,
        algorithms,
        handlers: { channelOpen: () => ({ accept }), globalRequest: () => undefined },
      }),
    })
    client.faces(server)
    server.faces(client)
    this.clients.push(client)
    client.connection.start()
    server.connection.start()
    return client
  }
}

async function openTunnel({ connection }: Party): Promise<Tunnel> {
  const made: { tunnel?: Tunnel } = {}
  await connection.open('direct-tcpip', none, (channel) => (made.tunnel = new Tunnel(channel)))
  assert.ok(made.tunnel !== undefined)
  return made.tunnel
}
