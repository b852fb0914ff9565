import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { ConnectOptions, Sftp } from 'holdfast'
import { login, sshd } from '../session/sshd.js'

/** A session, and a folder that its user may write to; both are gone after the test. */
export async function session(
  t: TestContext,
  version: '9.2' | '10',
  limits?: ConnectOptions['limits'],
): Promise<{ sftp: Sftp; folder: string }> {
  const ssh = await login(t, await sshd(t, { version }), { limits })
  const sftp = await ssh.sftp()
  t.after(() => sftp.close())
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-sftp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { uid, gid } = await sftp.stat('.')
  await chown(folder, uid, gid)
  return { sftp, folder }
}
