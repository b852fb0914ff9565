/** All that is to be measured, round by round: within each, one client after the other, each in a fresh process. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { run } from '../test/servers/run.js'
import type { ClientName } from './clients/client.js'
import type { BenchOptions } from './options.js'
import type { Answer, Order } from './order.js'
import { type Peers, preparePeers } from './peers.js'
import type { Cell, Results } from './results.js'
import type { Conditions, Workload } from './workloads/workload.js'

const program = fileURLToPath(new URL('./client-program.js', import.meta.url))
const defaultLimitMs = 180_000

/** One column: a client on a Node. */
interface Runner {
  readonly client: ClientName
  /** Its binary. */
  readonly path: string
  readonly node: string
  readonly peers: Peers | undefined
}

/** What is here without being installed. */
const ready: ReadonlySet<ClientName> = new Set(['holdfast', 'bare', 'openssh'])

export async function measureAll(
  options: BenchOptions,
  conditions: Conditions,
  tell: (text: string) => void,
): Promise<Omit<Results, 'setting'>> {
  const runners = await makeRunners(options)
  const cells = new Map<string, Cell>()
  for (let round = 0; round < options.rounds; round++) {
    for (const workload of options.workloads.filter(({ mostRounds = Infinity }) => round < mostRounds)) {
      tell(`round ${round + 1} of ${options.rounds}, ${workload.name}, after ${Math.round(performance.now() / 1000)} s`)
      for (const runner of rotated(runners, round)) {
        const key = `${workload.name} ${runner.client} ${runner.node}`
        const cell = cells.get(key) ?? emptyCell(workload, runner)
        if (!isWanted(workload, runner, cell)) continue
        const answer = await ask(runner, workload, conditions)
        cells.set(key, withAnswer(cell, answer))
        tell(`  ${runner.client} ${runner.node}: ${answerText(workload, answer)}`)
      }
    }
  }
  const { rounds, scale } = options
  return { nodes: [...new Set(runners.map(({ node }) => node))], rounds, scale, cells: [...cells.values()] }
}

async function makeRunners({ nodes, clients }: BenchOptions): Promise<readonly Runner[]> {
  const runners: Runner[] = []
  for (const path of nodes) {
    const node = (await run(path, ['-p', 'process.version'])).stdout.trim()
    const peers = clients.every((client) => ready.has(client)) ? undefined : await preparePeers(path)
    // OpenSSH's programs do not run on Node.
    const mine = clients.filter((client) => client !== 'openssh' || path === nodes[0])
    runners.push(...mine.map((client) => ({ client, path, node, peers })))
  }
  return runners
}

/** Nobody is always the first or always behind the same one. */
function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const first = by % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

function isWanted({ clients }: Workload, { client }: Runner, { state }: Cell): boolean {
  return state === 'measured' && (clients?.includes(client) ?? true)
}

function emptyCell({ name }: Workload, { client, node }: Runner): Cell {
  return { workload: name, client, node, isNative: false, state: 'measured', samples: [] }
}

function withAnswer(cell: Cell, answer: Answer): Cell {
  if (answer.kind === 'none') return { ...cell, state: 'none' }
  if (answer.kind === 'failed') return { ...cell, state: 'failed', why: answer.why, samples: [...cell.samples, null] }
  return { ...cell, isNative: answer.isNative, samples: [...cell.samples, answer.sample] }
}

async function ask({ client, path, peers }: Runner, workload: Workload, conditions: Conditions): Promise<Answer> {
  const child = fork(program, [], {
    execPath: path,
    execArgv: ['--expose-gc'],
    env: { ...process.env, ...workload.environment },
    timeout: workload.limitMs ?? defaultLimitMs,
    killSignal: 'SIGKILL',
  })
  const exited = once(child, 'exit')
  const order: Order = { client, peers, workload: workload.name, conditions }
  child.send(order)
  const silent = exited.then(
    ([code, signal]): Answer => ({ kind: 'failed', why: `its process ended with ${String(signal ?? code)}` }),
  )
  const answered = once(child, 'message').then(([answer]): Answer => answer as Answer)
  const answer = await Promise.race([answered, silent])
  await exited
  return answer
}

function answerText({ figures }: Workload, answer: Answer): string {
  if (answer.kind === 'none') return 'none'
  if (answer.kind === 'failed') return `failed: ${answer.why}`
  const parts = Object.entries(answer.sample).map(
    ([name, value]) => `${value.toPrecision(3)} ${figures[name]?.unit ?? name}`,
  )
  return parts.join(', ')
}
