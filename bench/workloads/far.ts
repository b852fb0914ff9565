/** The same through a relay that makes the round trip 50 ms long. */
import type { BenchClient, ClientName, Target } from '../clients/client.js'
import { startRelay } from '../relay/relay.js'
import { median } from '../statistics.js'
import { execMs } from './exec.js'
import { transferred } from './sftp.js'
import { downloaded } from './streams.js'
import { megabyte, repeated, scaled, transferFigures, type Workload } from './workload.js'

const roundTripMs = 50
// What ssh2 takes of the processor is seen on loopback; here it is the same three times.
const clients: readonly ClientName[] = ['holdfast', 'ssh2-nodelay', 'dev-tunnels', 'openssh']
const bytesInFull = 64 * megabyte
/** So much that a window which grows has grown, and what is measured has been compiled. */
const warmUpBytes = 16 * megabyte

const connect = far('far-connect', {
  figures: { ms: { title: 'connect and authenticate', unit: 'ms', better: 'less' } },
  async run(client, { target }) {
    const times: number[] = []
    await repeated(3, async () => {
      const startedAt = performance.now()
      const connection = await client.connect(target)
      times.push(performance.now() - startedAt)
      await connection.close()
    })
    return { ms: median(times) }
  },
})

const oneShot: Workload = {
  name: 'far-one-shot',
  group: 'far',
  clients,
  figures: {
    ms: { title: 'connect, exec, close', unit: 'ms', better: 'less' },
    roundTrips: { title: 'connect, exec, close: round trips', unit: '', better: 'less' },
  },
  async run(client, { target }) {
    const near = await onceMs(client, target, roundTripMs, 4)
    const further = await onceMs(client, target, 3 * roundTripMs, 2)
    // The shortest are those that waited for nothing else.
    return { ms: median(near), roundTrips: (Math.min(...further) - Math.min(...near)) / (2 * roundTripMs) }
  },
}

const exec = far('far-exec', {
  figures: { ms: { title: 'exec on a warm connection', unit: 'ms', better: 'less' } },
  run: async (client, { target }) => ({ ms: await execMs(client, target, 10) }),
})

const execAhead: Workload = {
  ...far('far-exec-ahead', {
    figures: { ms: { title: 'exec in a session that was opened ahead', unit: 'ms', better: 'less' } },
    run: async (client, { target }) => ({ ms: await execMs(client, target, 10, { sessionsAhead: 1 }) }),
  }),
  clients: ['holdfast'],
}

const download = far('far-download', {
  figures: transferFigures('download'),
  run: (client, conditions) =>
    downloaded(client, conditions.target, scaled(bytesInFull, conditions, megabyte), warmUpBytes),
})

const sftpGet = far('far-sftp-get', {
  figures: transferFigures('SFTP get'),
  run: (client, conditions) =>
    transferred(client, conditions.target, conditions, {
      ...{ way: 'get', bytes: scaled(bytesInFull, conditions, megabyte), warmUp: warmUpBytes },
    }),
})

const sftpPut = far('far-sftp-put', {
  figures: transferFigures('SFTP put'),
  run: (client, conditions) =>
    transferred(client, conditions.target, conditions, {
      ...{ way: 'put', bytes: scaled(bytesInFull, conditions, megabyte), warmUp: warmUpBytes },
    }),
})

export const farWorkloads: readonly Workload[] = [connect, oneShot, exec, execAhead, download, sftpGet, sftpPut]

function far(name: string, { figures, run }: Pick<Workload, 'figures' | 'run'>): Workload {
  return {
    name,
    group: 'far',
    clients,
    figures,
    run: (client, conditions) =>
      through(conditions.target, roundTripMs, (target) => run(client, { ...conditions, target })),
  }
}

/** What takes longer by a round trip for each round trip tells how many there are, whatever else takes its time. */
function onceMs(client: BenchClient, target: Target, roundTrip: number, times: number): Promise<readonly number[]> {
  return through(target, roundTrip, (there) => repeated(times, () => client.once(there, 'true')))
}

async function through<T>(target: Target, roundTrip: number, work: (target: Target) => Promise<T>): Promise<T> {
  await using relay = await startRelay(target, roundTrip / 2)
  return await work({ ...target, host: relay.host, port: relay.port })
}
