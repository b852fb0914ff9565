/** Sessions of PHP's functions with SFTP, and the processes on the server that serve it. */
import assert from 'node:assert/strict'
import { readdir, readlink } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import {
  type Ssh2Context,
  type Ssh2Session,
  type Ssh2Sftp,
  ssh2_auth_password,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_sftp,
} from 'holdfast/ext-ssh2'
import { childrenOf, signalIfAlive } from '../servers/process-tree.js'
import type { SshdOptions, SshdServer } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { remoteFolder } from './remote-folder.js'
import { given } from './session.js'

export interface SftpWorld {
  readonly session: Ssh2Session
  readonly server: SshdServer
  readonly sftp: Ssh2Sftp
  /** The path of an entry of a folder of the server's user. */
  readonly at: (name: string) => string
}

export async function withSftp(
  t: TestContext,
  { config, context }: { readonly config?: SshdOptions['config']; readonly context?: Ssh2Context } = {},
): Promise<SftpWorld> {
  const server = await sshd(t, { version: '9.2', ...(config !== undefined && { config }) })
  const session = given(await ssh2_connect(server.host, server.port, null, null, context))
  t.after(() => ssh2_disconnect(session))
  assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
  const at = await remoteFolder(t, session)
  return { session, server, sftp: given(await ssh2_sftp(session)), at }
}

/** The processes that serve files. */
export async function sftpServers(server: SshdServer): Promise<readonly number[]> {
  const all = await server.processes()
  const found = [...all, ...all.flatMap(({ pid }) => childrenOf(pid))].filter(({ name }) => name === 'sftp-server')
  return [...new Set(found.map(({ pid }) => pid))]
}

export async function signalSftpServers(server: SshdServer, signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void> {
  const pids = await sftpServers(server)
  assert.notEqual(pids.length, 0)
  for (const pid of pids) signalIfAlive(pid, signal)
}

/** What a process has open, by its paths. */
export async function filesOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`
  return Promise.all((await readdir(folder)).map((name) => readlink(path.join(folder, name)).catch(() => '')))
}
