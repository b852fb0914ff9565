/** Connections that do nothing but stay: what each takes of memory, and all of them of the processor. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchClient, type Connection, forEach, type Target } from '../clients/client.js'
import { measured, type Workload } from './workload.js'

const keepaliveMs = 5000
/** Each connection asks as often as the others while this many rounds of keepalives are watched. */
const roundsWatched = 3
/** They come first and take their part of the keepalives: what V8 compiles goes on long after 500 have asked once. */
const roundsBefore = 2
/**
 * They stay, and what comes after them is measured: the first ones grow the heap, and have the code compiled. That goes on
 * behind 500 of them: what the threads of V8 that compile have freed, and the C library kept, was 17 MB then on Node 24.
 */
const first = 1000
/** What comes right after authentication has come by then. */
const settlingMs = 1000
/** sshd refuses some of those that have not authenticated, when there are many. */
const connectingAtOnce = 8

const count = 500
/** OpenSSH has a process for each. */
const processes = 50

export const idle: Workload = {
  name: 'idle',
  group: 'idle',
  figures: {
    memory: { title: 'memory of one', unit: 'KB', better: 'less' },
    cpu: { title: `CPU a minute of ${count}`, unit: 's', better: 'less' },
  },
  // With ssh2's own socket nothing is different here.
  clients: ['holdfast', 'bare', 'ssh2-nodelay', 'ssh2-js', 'dev-tunnels', 'openssh'],
  isLong: true,
  mostRounds: 1,
  limitMs: 300_000,
  async run(client, conditions) {
    const many = client.inOneProcess ? count : processes
    const before = await connectAll(client, conditions.target, client.inOneProcess ? first : 0)
    const memoryBefore = client.memoryBytes()
    const connections = await connectAll(client, conditions.target, many)
    await sleep(settlingMs)
    const memory = (client.memoryBytes() - memoryBefore) / 1000 / many
    await closeAll(before)
    await sleep(roundsBefore * keepaliveMs)
    const { seconds, cpuSeconds } = await measured(client, () => sleep(roundsWatched * keepaliveMs))
    await closeAll(connections)
    return { memory, cpu: ((cpuSeconds / seconds) * 60 * count) / many }
  },
}

function closeAll(connections: readonly Connection[]): Promise<void> {
  return forEach(connections, connectingAtOnce, (connection) => connection.close())
}

async function connectAll(client: BenchClient, target: Target, many: number): Promise<readonly Connection[]> {
  const connections: Connection[] = []
  await forEach(Array.from({ length: many }).keys(), connectingAtOnce, async () => {
    connections.push(await client.connect(target, { keepaliveMs }))
  })
  return connections
}
