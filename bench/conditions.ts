import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sshKeygen } from '../test/servers/ssh-keygen.js'
import { startSshd } from '../test/servers/sshd.js'
import { packHoldfast } from './holdfast-package.js'
import { makeOpenFolder } from './workloads/file-trees.js'
import type { Conditions } from './workloads/workload.js'

/** A server, and folders in memory. */
export interface Scene extends AsyncDisposable {
  readonly conditions: Conditions
}

export async function makeScene(scale: number): Promise<Scene> {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-bench-'))
  // The server's user has its files here too.
  await chmod(folder, 0o755)
  const [local, remote] = [join(folder, 'local'), join(folder, 'remote')]
  await makeOpenFolder(local)
  await makeOpenFolder(remote)
  const holdfast = join(folder, 'holdfast')
  await packHoldfast(holdfast)
  const server = await startSshd({ version: '9.2', config: { LogLevel: 'ERROR', MaxSessions: 200 } })
  const { host, port, username, clientKeys } = server
  const pemKeyFile = join(folder, 'ecdsa.pem')
  await copyFile(clientKeys.ecdsa.privateKey, pemKeyFile)
  await sshKeygen(['-q', '-p', '-m', 'PEM', '-P', '', '-N', '', '-f', pemKeyFile])
  const target = {
    ...{ host, port, username, pemKeyFile },
    privateKeyFile: clientKeys.ed25519.privateKey,
    cipher: 'aes128-gcm@openssh.com',
  }
  return {
    conditions: { holdfast, target, scale, local, remote },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}
