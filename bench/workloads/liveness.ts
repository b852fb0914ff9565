/** Whether a verdict comes as punctually while both directions are full as while nothing goes over the connection. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'holdfast'
import type { Target } from '../clients/client.js'
import { open } from '../clients/holdfast.js'
import { type Holdfast, loadHoldfast } from '../holdfast-package.js'
import { startRelay } from '../relay/relay.js'
import type { Workload } from './workload.js'

const intervalMs = 500
/** (countMax + 1) x interval, with the default of 3. */
const boundMs = 4 * intervalMs

export const liveness: Workload = {
  name: 'liveness',
  group: 'liveness',
  figures: {
    idle: { title: 'verdict after its bound: idle', unit: 'ms', better: 'less' },
    loaded: { title: 'verdict after its bound: full in both directions', unit: 'ms', better: 'less' },
  },
  clients: ['holdfast'],
  mostRounds: 3,
  async run(_client, { holdfast, target }) {
    const library = await loadHoldfast(holdfast)
    return { idle: await lateness(library, target, async () => {}), loaded: await lateness(library, target, fill) }
  },
}

/** Milliseconds from the bound, counted from the last byte that the relay handed to the client, to the verdict. */
async function lateness(library: Holdfast, target: Target, load: (ssh: Client) => Promise<void>): Promise<number> {
  await using relay = await startRelay(target, 0)
  const ssh = await open(library, { ...target, host: relay.host, port: relay.port }, { keepaliveMs: intervalMs })
  await load(ssh)
  // Long enough for what is under way to be under way, and no multiple of the interval.
  await sleep(2.3 * intervalMs)
  const { lastToClient } = await relay.cut()
  const { code } = await ssh.closed
  const late = performance.timeOrigin + performance.now() - lastToClient - boundMs
  if (code !== 'ERR_SSH_PEER_DEAD') throw new Error(`it ended with ${code}`)
  return late
}

async function fill(ssh: Client): Promise<void> {
  const source = await ssh.spawn('cat /dev/zero')
  const sink = await ssh.spawn('cat > /dev/null')
  source.stdout.resume()
  const piece = Buffer.alloc(256 * 1024)
  const write = (): void => {
    while (!sink.stdin.destroyed && sink.stdin.write(piece)) continue
  }
  sink.stdin.on('drain', write)
  write()
  await once(source.stdout, 'data')
}
