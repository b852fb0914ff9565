import type { ClientName } from './clients/client.js'
import type { Setting } from './setting.js'
import type { Sample } from './workloads/workload.js'

/** One client's samples of one workload on one Node. */
export interface Cell {
  readonly workload: string
  readonly client: ClientName
  /** Of the Node that ran it; of OpenSSH's programs the first, since they need none. */
  readonly node: string
  readonly isNative: boolean
  readonly state: 'measured' | 'none' | 'failed'
  /** Why it failed. */
  readonly why?: string | undefined
  /** By rounds; null where it failed. */
  readonly samples: readonly (Sample | null)[]
}

/** All that one run measured, and with what. */
export interface Results {
  readonly setting: Setting

  /** Versions, in the order in which they were given. */
  readonly nodes: readonly string[]
  readonly rounds: number
  readonly scale: number
  readonly cells: readonly Cell[]
}

export function findCell(
  { cells, nodes }: Results,
  workload: string,
  client: ClientName,
  node: string,
): Cell | undefined {
  const at = client === 'openssh' ? nodes[0] : node
  return cells.find((cell) => cell.workload === workload && cell.client === client && cell.node === at)
}

/** A figure of each round, in their order; undefined where a round did not bring it. */
export function figures(cell: Cell | undefined, figure: string): readonly (number | undefined)[] {
  return cell?.samples.map((sample) => sample?.[figure]) ?? []
}
