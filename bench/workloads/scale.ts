/** How the cost of connections that only stay grows with their number, up to more than anybody has, in one process. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { type BenchClient, forEach } from '../clients/client.js'
import { type Holdfast, loadHoldfast } from '../holdfast-package.js'
import { account } from '../scale/account.js'
import { type Servers, startServers } from '../scale/servers.js'
import { measured, type Workload } from './workload.js'

const keepaliveMs = 5000
/** The verdict comes after so many more intervals. */
const countMax = 3
const boundMs = (countMax + 1) * keepaliveMs
const roundsWatched = 3
/** They come first, as for the connections of the workload `idle`. */
const roundsBefore = 2
const settlingMs = 1000
const connectingAtOnce = 16
/** They stay, and what comes after them is measured: the first ones grow the heap, and have the code compiled. */
const first = 1000
/**
 * What so few take is little beside what a process takes and gives back by itself: the mean of so many times. A median would
 * leave out the times at which the heap grows for all of them.
 */
const few = 100
const timesOfFew = 5
/** A server process has no more than this: the number of its open files has a limit too. */
const mostOfOneServer = 2500
const bucketMs = 100
/**
 * The C library gives large pieces back at once when they are freed, and by itself counts ever larger ones as small. What V8 takes
 * while it compiles and collects garbage grows with the heap: for each of 10,000 connections 4 KB of it were kept on Node 24,
 * free but not given back, and nothing for fewer, which fitted into what was free before. So what is large is fixed; below
 * 64 KiB the compilers of V8 would ask the kernel for each of their pieces.
 */
const environment = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' }

export const scaleCounts = [100, 1000, 10_000] as const

export const scaleWorkloads: readonly Workload[] = scaleCounts.map((count) => ({
  name: `scale-${count}`,
  group: 'scale',
  figures: {
    memory: { title: `${count} connections: memory of one`, unit: 'KB', better: 'less' },
    cpu: { title: `${count} connections: CPU a minute of all`, unit: 's', better: 'less' },
    fullest: { title: `${count} connections: probes in the fullest 100 ms, of the mean`, unit: '', better: 'less' },
    verdict: { title: `${count} connections: latest verdict after its bound`, unit: 'ms', better: 'less' },
  },
  clients: ['holdfast'],
  environment,
  isLong: true,
  mostRounds: 1,
  limitMs: 240_000 + 120 * count,
  async run(client, { holdfast }) {
    const { connect } = await loadHoldfast(holdfast)
    const times = count <= few ? timesOfFew : 1
    await using servers = await startServers(Math.ceil((first + times * count) / mostOfOneServer))
    const before = [await connectMany(connect, servers, first)]
    let memory = 0
    let connections: readonly Client[] = []
    for (let time = 0; time < times; time++) {
      before.push(connections)
      const memoryBefore = client.memoryBytes()
      connections = await connectMany(connect, servers, count)
      await sleep(settlingMs)
      memory += (client.memoryBytes() - memoryBefore) / 1000 / count / times
    }
    await Promise.all(before.flat().map((connection) => connection.close()))
    await sleep(roundsBefore * keepaliveMs)
    const { cpu, fullest } = await watch(client)
    return { memory, cpu, fullest, verdict: await latestVerdict(servers, connections) }
  },
}))

async function connectMany(
  connect: Holdfast['connect'],
  { ports }: Servers,
  count: number,
): Promise<readonly Client[]> {
  const connections: Client[] = []
  await forEach(Array.from({ length: count }).keys(), connectingAtOnce, async (index) => {
    const port = ports[index % ports.length]
    if (port === undefined) throw new Error('there is no server')
    connections.push(await connect(optionsFor(port)))
  })
  return connections
}

function optionsFor(port: number): Parameters<Holdfast['connect']>[0] {
  return {
    ...{ host: '127.0.0.1', port, ...account, agent: false },
    hostKey: { policy: 'off' },
    // What it takes to connect is another workload's; the servers share these processors.
    algorithms: { kex: ['curve25519-sha256'], cipher: ['aes128-gcm@openssh.com'] },
    keepalive: { interval: keepaliveMs, countMax },
    limits: { connect: '2m', identification: '2m', keyExchange: '2m', authentication: '2m', tcp: '2m' },
  } as const
}

/** What they all take while nothing happens, and how evenly their probes are spread. */
async function watch(client: BenchClient): Promise<{ readonly cpu: number; readonly fullest: number }> {
  const buckets = new Map<number, number>()
  const count = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || Reflect.get(message, 'event') !== 'sent') return
    const bucket = Math.floor(performance.now() / bucketMs)
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
  }
  const windowMs = roundsWatched * keepaliveMs
  const { seconds, cpuSeconds } = await measured(client, () => sleep(windowMs))
  // Apart from that, since counting them costs something too.
  subscribe('holdfast:probe', count)
  await sleep(windowMs)
  unsubscribe('holdfast:probe', count)
  const all = [...buckets.values()]
  const mean = all.reduce((sum, sent) => sum + sent, 0) / (windowMs / bucketMs)
  return { cpu: (cpuSeconds / seconds) * 60, fullest: Math.max(...all) / mean }
}

/** How long after its bound, counted from the last byte that it got, the last of them says that its peer is dead. */
async function latestVerdict(servers: Servers, connections: readonly Client[]): Promise<number> {
  servers.freeze()
  const ends = await Promise.all(connections.map((connection) => connection.closed))
  return Math.max(
    ...ends.map(({ code, evidence }) => {
      const lastHeardMs = evidence?.lastHeardMs
      if (code !== 'ERR_SSH_PEER_DEAD' || lastHeardMs === undefined || lastHeardMs === null)
        throw new Error(`a connection ended by ${code}`)
      return lastHeardMs - boundMs
    }),
  )
}
