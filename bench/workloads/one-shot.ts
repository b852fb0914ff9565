import { median } from '../statistics.js'
import { repeated, scaled, type Workload } from './workload.js'

export const oneShot: Workload = {
  name: 'one-shot',
  group: 'loopback',
  figures: { ms: { title: 'connect, exec, close', unit: 'ms', better: 'less' } },
  async run(client, conditions) {
    const once = (): Promise<void> => client.once(conditions.target, 'true')
    await repeated(3, once)
    return { ms: median(await repeated(scaled(15, conditions, 5), once, 2000)) }
  },
}
