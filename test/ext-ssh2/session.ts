/** Sessions of PHP's functions, for tests. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Ssh2Session, ssh2_auth_password, ssh2_connect, ssh2_disconnect } from 'holdfast/ext-ssh2'
import type { SshdServer } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'

/** A session that somebody has logged in on, and its server. */
export async function loggedIn(
  t: TestContext,
): Promise<{ readonly session: Ssh2Session; readonly server: SshdServer }> {
  const server = await sshd(t, { version: '9.2' })
  const session = await ssh2_connect(server.host, server.port)
  assert.ok(session)
  t.after(() => ssh2_disconnect(session))
  assert.equal(await ssh2_auth_password(session, server.username, server.password), true)
  return { session, server }
}

/** What a function gave, where it has not answered false. */
export function given<T>(answer: T | false): T {
  assert.notEqual(answer, false)
  return answer as T
}
