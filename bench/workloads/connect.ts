import { median } from '../statistics.js'
import { repeated, scaled, type Workload } from './workload.js'

export const connect: Workload = {
  name: 'connect',
  group: 'loopback',
  figures: { ms: { title: 'connect and authenticate', unit: 'ms', better: 'less' } },
  async run(client, conditions) {
    const { target } = conditions
    const times: number[] = []
    // Closing is in no measurement.
    const once = async (): Promise<void> => {
      const startedAt = performance.now()
      const connection = await client.connect(target)
      times.push(performance.now() - startedAt)
      await connection.close()
    }
    for (let warmUps = 0; warmUps < 3; warmUps++) await once()
    times.length = 0
    await repeated(scaled(15, conditions, 5), once, 2000)
    return { ms: median(times) }
  },
}
