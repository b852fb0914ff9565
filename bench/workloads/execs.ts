import { median } from '../statistics.js'
import { measured, scaled, type Workload } from './workload.js'

const sideBySide = 50

export const execs: Workload = {
  name: 'execs',
  group: 'loopback',
  figures: {
    cpu: { title: '50 execs side by side: CPU', unit: 'ms', better: 'less' },
    ms: { title: '50 execs side by side: time', unit: 'ms', better: 'less' },
  },
  async run(client, conditions) {
    const connection = await client.connect(conditions.target)
    try {
      const cpu: number[] = []
      const ms: number[] = []
      await connection.execSideBySide('true', sideBySide)
      for (let count = scaled(8, conditions, 3); count > 0; count--) {
        const section = await measured(client, () => connection.execSideBySide('true', sideBySide))
        cpu.push(section.cpuSeconds * 1000)
        ms.push(section.seconds * 1000)
      }
      return { cpu: median(cpu), ms: median(ms) }
    } finally {
      await connection.close()
    }
  },
}
