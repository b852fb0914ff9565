/** Runs one workload once with one client, in a process of its own. It is told which, and answers, by messages. */
import { once } from 'node:events'
import process from 'node:process'
import { loadClient } from './clients/index.js'
import type { Answer, Order } from './order.js'
import { workloads } from './workloads/index.js'

const [order] = (await once(process, 'message')) as [Order]
process.send?.(await answer(order), () => process.exit())

async function answer({ client, workload: name, peers, conditions }: Order): Promise<Answer> {
  try {
    const workload = workloads.find((known) => known.name === name)
    if (workload === undefined) throw new Error(`there is no workload ${name}`)
    const { client: loaded, isNative } = await loadClient(client, conditions.holdfast, peers)
    const sample = await workload.run(loaded, conditions)
    return sample === undefined ? { kind: 'none' } : { kind: 'measured', sample, isNative }
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
