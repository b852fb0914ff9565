/** A tree that goes up to a real sshd and comes back through a relay that resets every connection again and again. */
import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connect } from 'holdfast'
import { type BadNetwork, badNetwork } from 'holdfast/testing'
import { type SshdServer, startSshd } from '../servers/sshd.js'
import type { TransferOrder, TransferReport } from './transfer-program.js'
import { digestTree, makeTree, type TreeSize } from './tree.js'

export interface SoakOptions extends TreeSize {
  readonly seed: number
  /** When every connection is reset: by time, as a bad network does, or by what came over, which suits machines of any speed. */
  readonly reset: { readonly everyMs: number } | { readonly everyBytes: number }
  readonly again: TransferOrder['again']
}

export interface WayReport extends TransferReport {
  readonly way: TransferOrder['way']
  /** Of the tree. */
  readonly bytes: number
  readonly resets: number
}

/** @throws where a tree did not come over as it was */
export async function soak(
  options: SoakOptions,
  say: (line: string) => void = () => {},
): Promise<readonly WayReport[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-soak-'))
  const server = await startSshd({ version: '9.2' })
  const relay = await badNetwork({ to: server })
  try {
    return await thereAndBack(folder, { server, relay, say }, options)
  } finally {
    await relay.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Stage {
  readonly server: SshdServer
  readonly relay: BadNetwork
  readonly say: (line: string) => void
}

async function thereAndBack(folder: string, stage: Stage, options: SoakOptions): Promise<readonly WayReport[]> {
  const { server, relay, say } = stage
  const at = (name: string): string => path.join(folder, name)
  await mkdir(at('source'))
  await mkdir(at('server'))
  await giveToUser(server, folder, at('server'))
  const bytes = await makeTree(at('source'), options, options.seed)
  const expected = await digestTree(at('source'))
  say(`source: ${expected}`)
  const { host, port } = relay
  const login = { host, port, username: server.username, privateKey: server.clientKeys.ed25519.privateKey }
  const remote = at('server/tree')
  const reports: WayReport[] = []
  for (const [way, local, target] of [
    ['put', at('source'), remote],
    ['get', at('back'), at('back')],
  ] as const) {
    const report = await underResets(relay, options.reset, () =>
      run({ ...login, way, local, remote, again: options.again }),
    )
    reports.push({ way, bytes, ...report })
    say(line({ way, bytes, ...report }))
    const digest = await digestTree(target)
    if (digest !== expected) throw new Error(`${way}: what came over is not what was sent: ${digest}, not ${expected}`)
  }
  return reports
}

/** The folders are ours; who logs in is somebody else. */
async function giveToUser(server: SshdServer, folder: string, place: string): Promise<void> {
  const { host, port, username, clientKeys } = server
  const privateKey = await readFile(clientKeys.ed25519.privateKey)
  const ssh = await connect({ host, port, username, privateKey, agent: false, hostKey: { policy: 'off' } })
  try {
    const { uid, gid } = await (await ssh.sftp()).stat('.')
    await chown(folder, uid, gid)
    await chown(place, uid, gid)
  } finally {
    await ssh.close()
  }
}

async function underResets(relay: BadNetwork, reset: SoakOptions['reset'], work: () => Promise<TransferReport>) {
  let resets = 0
  let passedBefore = passed(relay)
  const look = (): void => {
    if (relay.stats().open === 0) return
    if ('everyBytes' in reset && passed(relay) < passedBefore + reset.everyBytes) return
    passedBefore = passed(relay)
    resets++
    relay.reset()
  }
  const timer = setInterval(look, 'everyMs' in reset ? reset.everyMs : 20)
  try {
    return { ...(await work()), resets }
  } finally {
    clearInterval(timer)
  }
}

function passed(relay: BadNetwork): number {
  const { toServer, toClient } = relay.stats().passed
  return toServer + toClient
}

async function run(order: TransferOrder): Promise<TransferReport> {
  const program = fileURLToPath(new URL('./transfer-program.js', import.meta.url))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(order)], { env })
  return JSON.parse(stdout) as TransferReport
}

function line({ way, seconds, bytes, files, breaks, resets, peakRssMiB }: WayReport): string {
  const rate = bytes / 1024 / 1024 / seconds
  return [
    `${way}: ${files} files in ${seconds.toFixed(1)} s, ${rate.toFixed(1)} MiB/s of the tree;`,
    `${resets} resets, after ${breaks} of which a transfer went on; peak RSS ${Math.round(peakRssMiB)} MiB`,
  ].join(' ')
}
