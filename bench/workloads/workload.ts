import type { BenchClient, ClientName, Target } from '../clients/client.js'

/** What a workload measures: CPU a GB, files a second. */
export interface Figure {
  readonly title: string
  readonly unit: string
  readonly better: 'less' | 'more'
}

/** By the names of the figures; a figure that a client does not have is left out. */
export type Sample = Readonly<Record<string, number>>

export type Group = 'loopback' | 'far' | 'ciphers' | 'liveness' | 'idle' | 'scale' | 'micro'

export interface Workload {
  readonly name: string
  readonly group: Group
  readonly figures: Readonly<Record<string, Figure>>
  /** @default each of them */
  readonly clients?: readonly ClientName[]
  /** Left out where time is short, unless it is named. */
  readonly isLong?: boolean
  /** How often, however often the others are run: for what takes long and varies little. */
  readonly mostRounds?: number
  /** After so many milliseconds its process is ended. @default 3 minutes */
  readonly limitMs?: number
  /** What its process has in its environment beside ours. */
  readonly environment?: Readonly<Record<string, string>>
  /** @returns undefined where the client has no such thing */
  run(client: BenchClient, conditions: Conditions): Promise<Sample | undefined>
}

export interface Conditions {
  /** The folder of Holdfast's package. */
  readonly holdfast: string
  readonly target: Target
  /** 1 in full, less where time is short: bytes and repetitions are multiplied by it. */
  readonly scale: number
  /** Folders in memory, for this process alone: ours, and the one that the server's user may write to. */
  readonly local: string
  readonly remote: string
}

/** So many, as far as there is time for them. */
export function scaled(count: number, { scale }: Conditions, atLeast = 1): number {
  return Math.max(atLeast, Math.round(count * scale))
}

export const megabyte = 1e6
export const gigabyte = 1e9

export interface Section {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Wall and CPU time of a piece of work. */
export async function measured(client: BenchClient, work: () => Promise<unknown>): Promise<Section> {
  const cpuBefore = client.cpuSeconds()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1000
  return { seconds, cpuSeconds: client.cpuSeconds() - cpuBefore }
}

/** Milliseconds of each of so many pieces of work, in turn; after `maxMs` no more are begun, once there are five. */
export async function repeated(
  count: number,
  work: () => Promise<unknown>,
  maxMs = Infinity,
): Promise<readonly number[]> {
  const all: number[] = []
  const startedAt = performance.now()
  while (all.length < count && (all.length < 5 || performance.now() - startedAt < maxMs)) {
    const before = performance.now()
    await work()
    all.push(performance.now() - before)
  }
  return all
}

export function transferSample(bytes: number, { seconds, cpuSeconds }: Section): Sample {
  return { cpu: cpuSeconds / (bytes / gigabyte), speed: bytes / megabyte / seconds }
}

export function transferFigures(title: string): Readonly<Record<'cpu' | 'speed', Figure>> {
  return {
    cpu: { title: `${title}: CPU`, unit: 's/GB', better: 'less' },
    speed: { title: `${title}: speed`, unit: 'MB/s', better: 'more' },
  }
}
