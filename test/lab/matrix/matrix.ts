/** Measures every way to notice that a peer is gone, in every scene. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Lab, openLab } from '../network/lab.js'
import { type MatrixClient, startClient } from './client.js'
import type { Matrix, MatrixColumn, Verdict } from './record.js'
import { type Scene, scenes } from './scenes.js'
import { ways } from './ways.js'

/** How long each connection is watched, from the fault on. */
const watchedMs = 30_000
/** Scenes at a time: each is six processes, which wait. */
const atOnce = 3

export async function measureMatrix(tell: (line: string) => void): Promise<Matrix> {
  const columns: MatrixColumn[] = []
  const queue = [...scenes.entries()]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, scene] = next
      tell(scene.name)
      columns[index] = await measureScene(scene)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { ways: ways.map(({ name, boundMs }) => ({ name, ...(boundMs !== undefined && { boundMs }) })), columns }
}

async function measureScene(scene: Scene): Promise<MatrixColumn> {
  await using lab = await openLab()
  const { name, how, peer } = scene
  return { scene: name, how, peer, cells: await measureIn(lab, scene) }
}

async function measureIn({ gateway, server: host }: Lab, scene: Scene): Promise<readonly Verdict[]> {
  const server = await host.sshd({ version: '9.2' })
  const clients = ways.map(({ keepalive }) => startClient(server, keepalive, scene.command))
  try {
    await Promise.all(clients.map(({ running }) => running))
    await scene.fault({ gateway, server, clients })
    // To make a fault takes a busy machine up to a second, which is no client's.
    const since = performance.now()
    return await Promise.all(clients.map((client) => verdict(client, since)))
  } finally {
    await Promise.all(clients.map((client) => client.stop()))
  }
}

async function verdict(client: MatrixClient, since: number): Promise<Verdict> {
  const overdue = new AbortController()
  const end = await Promise.race([client.end, pause(watchedMs, undefined, { signal: overdue.signal })])
  overdue.abort()
  if (end === undefined) return { verdict: 'nothing', withinMs: watchedMs }
  const ms = Math.round(end.at - since)
  const { line } = end
  if (line.event === 'exited') return { verdict: 'kept', ms }
  const by = line.code === 'ERR_SSH_PEER_DEAD' ? 'SSH probes' : `kernel, ${line.cause ?? 'no cause given'}`
  return { verdict: 'given-up', ms, by, code: line.code }
}
