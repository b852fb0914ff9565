/** An sshd with a publickey subsystem, which OpenSSH has not, for tests of PHP's functions. */
import process from 'node:process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type Ssh2Context,
  type Ssh2Session,
  ssh2_auth_pubkey_file,
  ssh2_connect,
  ssh2_disconnect,
} from 'holdfast/ext-ssh2'
import type { SshdServer } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { given } from './session.js'

const program = fileURLToPath(new URL('../publickey/serve.js', import.meta.url))

export const publickeyConfig = { Subsystem: `publickey ${process.execPath} ${program}` }

/** Logged in as root: the subsystem is a file of this folder, which another user may not be able to read. */
export async function withPublickey(
  t: TestContext,
  context: Ssh2Context = {},
): Promise<{ readonly session: Ssh2Session; readonly server: SshdServer }> {
  const server = await sshd(t, { version: '9.2', config: publickeyConfig })
  const session = given(await ssh2_connect(server.host, server.port, null, null, context))
  t.after(() => ssh2_disconnect(session))
  const { privateKey } = server.clientKeys.ed25519
  given(await ssh2_auth_pubkey_file(session, 'root', `${privateKey}.pub`, privateKey))
  return { session, server }
}
