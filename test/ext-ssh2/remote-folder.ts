/** A place on a server for what a test writes there. */
import { rm } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { type Ssh2Session, ssh2_exec, stream_get_contents } from 'holdfast/ext-ssh2'
import { given } from './session.js'

/** A folder of the server's user, which is on this machine too: its path by the name of an entry. */
export async function remoteFolder(t: TestContext, session: Ssh2Session): Promise<(name: string) => string> {
  const stream = given(await ssh2_exec(session, 'mktemp -d'))
  const folder = given(await stream_get_contents(stream)).trim()
  t.after(() => rm(folder, { recursive: true, force: true }))
  return (name) => `${folder}/${name}`
}
