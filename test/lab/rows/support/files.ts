/** What rows about transfers of files have in common. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Sftp, TransferResult } from 'holdfast'
import { userFolder } from '../../../forward/local-servers.js'
import type { SshdServer } from '../../../servers/sshd.js'
import { login, running } from '../../../session/sshd.js'
import type { PeerClient, PeerProcess } from '../../peers/peer.js'
import type { Watch } from '../../row.js'
import { sha256 } from './data.js'
import type { Scene } from './scene.js'

/** One file that goes to the server, and one that comes from there, of the same bytes. */
export interface Transfers {
  readonly size: number
  readonly up: { readonly local: string; readonly remote: string }
  readonly down: { readonly local: string; readonly remote: string }
  /** Whether what has arrived, both ways, is what was sent. */
  readonly areWhole: () => Promise<boolean>
}

/** Files for one test; those of the server are where the user that logged in may write. */
export async function makeTransfers(t: TestContext, ssh: Client, size: number): Promise<Transfers> {
  const here = await mkdtemp(join(tmpdir(), 'holdfast-files-'))
  t.after(() => rm(here, { recursive: true, force: true }))
  const there = await userFolder(t, ssh)
  const bytes = randomBytes(size)
  const up = { local: join(here, 'source'), remote: join(there, 'copy') }
  const down = { local: join(here, 'copy'), remote: join(there, 'source') }
  await Promise.all([up.local, down.remote].map((file) => writeFile(file, bytes)))
  const areWhole = async (): Promise<boolean> => {
    const copies = await Promise.all([up.remote, down.local].map((file) => readFile(file)))
    return copies.every((copy) => sha256(copy) === sha256(bytes))
  }
  return { size, up, down, areWhole }
}

/** Of each file, so much has gone, or come, when its transfer is in the middle. Requests for what comes wait behind what goes. */
export const begunBytes = 1_000_000

/** Transfers that are in the middle. */
export interface UnderWay {
  readonly put: Promise<TransferResult>
  readonly get: Promise<TransferResult>
}

export async function beginTransfers(sftp: Sftp, { up, down }: Transfers): Promise<UnderWay> {
  const put = sftp.put(up.local, up.remote)
  const get = sftp.get(down.remote, down.local)
  const failed = Promise.race([put, get]).then(() => {
    throw new Error('a transfer was over before its fault')
  })
  // What has arrived, and not the progress of put(), which counts what may still wait here for the link.
  const begun = async (): Promise<void> => {
    while (Math.min(await sizeOf(up.remote), await sizeOf(down.local)) < begunBytes) await pause(5)
  }
  await Promise.race([begun(), failed])
  failed.catch(() => {})
  return { put, get }
}

/** Nothing, where there is no such file yet. */
async function sizeOf(file: string): Promise<number> {
  const stats = await stat(file).catch(() => undefined)
  return stats?.size ?? 0
}

/** Goes on where they ended, and sees that this is not the beginning, and that what arrives is what was sent. */
export async function resumeTransfers(sftp: Sftp, { size, up, down, areWhole }: Transfers): Promise<void> {
  assert.equal(await areWhole(), false)
  const resume = { resume: true }
  const results = [sftp.put(up.local, up.remote, resume), sftp.get(down.remote, down.local, resume)]
  for (const { resumed, bytes } of await Promise.all(results)) {
    assert.ok(resumed >= begunBytes / 2 && bytes > 0, `resumed at ${resumed}`)
    assert.equal(resumed + bytes, size)
  }
  assert.ok(await areWhole())
}

/** Waits until nothing of a user runs on a server any more. */
export async function untilNothingRuns(server: SshdServer): Promise<void> {
  while ((await running(server)).length > 0) await pause(20)
}

/** Another client that is in the middle of sending a file. */
export async function putBy(
  t: TestContext,
  client: PeerClient,
  { gateway, server }: Scene,
  { size, kbits }: { readonly size: number; readonly kbits: number },
): Promise<PeerProcess> {
  const maker = await login(t, server)
  const { up } = await makeTransfers(t, maker, size)
  await maker.close()
  const peer = client.start(server, { job: 'sftp' })
  await peer.event('ready', 10_000)
  await gateway.rate({ kbits })
  const before = (await gateway.passed()).toServer
  peer.do({ step: 'put', ...up })
  while ((await gateway.passed()).toServer - before < begunBytes) await pause(20)
  return peer
}

/** Stops the one SFTP server that runs. @returns its process id */
export async function freezeSftpServer(server: SshdServer, watch: Watch): Promise<number> {
  for (;;) {
    const [found, ...others] = (await running(server)).filter(({ name }) => name === 'sftp-server')
    assert.deepEqual(others, [])
    if (found !== undefined) {
      process.kill(found.pid, 'SIGSTOP')
      watch.fault('the process of the SFTP server stops')
      return found.pid
    }
    await pause(10)
  }
}
