/** What a program does that wants a tree over, whatever the network does: again, until it is. Its memory is its own. */
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { type Client, type ConnectOptions, connect, HoldfastError, type TransferResult } from 'holdfast'

export interface TransferOrder {
  readonly host: string
  readonly port: number
  readonly username: string
  /** The file of a private key. */
  readonly privateKey: string
  readonly way: 'put' | 'get'
  readonly local: string
  readonly remote: string
  /** Who makes a lost connection anew: this program, or the client itself. */
  readonly again: 'by hand' | 'by reconnect'
}

export interface TransferReport {
  /** Of the last transfer, those included that were there already. */
  readonly files: number
  readonly seconds: number
  /** How often a transfer broke off, and was gone on with: by the client, or by this program. */
  readonly breaks: number
  readonly peakRssMiB: number
}

const losses: ReadonlySet<string> = new Set(['ERR_SSH_CONNECTION_LOST', 'ERR_SSH_PEER_DEAD'])

async function transfer(order: TransferOrder): Promise<TransferReport> {
  const startedAt = performance.now()
  const { result, breaks } = await (order.again === 'by hand' ? byHand(order) : byReconnect(order))
  const { files, interruptions } = result
  const seconds = (performance.now() - startedAt) / 1000
  return { files, seconds, breaks: breaks + interruptions, peakRssMiB: process.resourceUsage().maxRSS / 1024 }
}

async function byHand(order: TransferOrder) {
  for (let breaks = 0; ; breaks++) {
    const result = await untilLoss(async () => {
      const ssh = await open(order)
      try {
        return await once(ssh, order)
      } finally {
        await ssh.close()
      }
    })
    if (result !== undefined) return { result, breaks }
  }
}

/** The client goes on with a transfer by itself; what remains for the program is a loss while a session opens. */
async function byReconnect(order: TransferOrder) {
  const ssh = await open(order, { reconnect: { minDelay: '50ms', maxDelay: '1s' } })
  try {
    for (let breaks = 0; ; breaks++) {
      const result = await untilLoss(() => once(ssh, order))
      if (result !== undefined) return { result, breaks }
    }
  } finally {
    await ssh.close()
  }
}

async function open(order: TransferOrder, options: ConnectOptions = {}): Promise<Client> {
  const { host, port, username } = order
  const privateKey = await readFile(order.privateKey)
  return connect({ host, port, username, privateKey, agent: false, hostKey: { policy: 'off' }, ...options })
}

async function once(ssh: Client, { way, local, remote }: TransferOrder): Promise<TransferResult> {
  const sftp = await ssh.sftp()
  return way === 'put' ? sftp.put(local, remote, { resume: true }) : sftp.get(remote, local, { resume: true })
}

/** @returns undefined where the connection was lost. @throws what else went wrong */
async function untilLoss(work: () => Promise<TransferResult>): Promise<TransferResult | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof HoldfastError && losses.has(error.code)) return undefined
    throw error
  }
}

const order = JSON.parse(process.argv[2] ?? '') as TransferOrder
process.stdout.write(JSON.stringify(await transfer(order)))
