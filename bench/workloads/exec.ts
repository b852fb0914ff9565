import type { BenchClient, ConnectOptions, Target } from '../clients/client.js'
import { median } from '../statistics.js'
import { repeated, scaled, type Workload } from './workload.js'

export const exec: Workload = {
  name: 'exec',
  group: 'loopback',
  figures: { ms: { title: 'exec on a warm connection', unit: 'ms', better: 'less' } },
  async run(client, conditions) {
    return { ms: await execMs(client, conditions.target, scaled(100, conditions, 10)) }
  },
}

/** The median of so many, in turn, on one connection. */
export async function execMs(
  client: BenchClient,
  target: Target,
  count: number,
  options: ConnectOptions = {},
): Promise<number> {
  const connection = await client.connect(target, options)
  try {
    const once = (): Promise<string> => connection.exec('true')
    await repeated(5, once)
    return median(await repeated(count, once, 1500))
  } finally {
    await connection.close()
  }
}
