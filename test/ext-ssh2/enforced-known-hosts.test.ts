import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { ssh2_connect, ssh2_disconnect, ssh2_last_error } from 'holdfast/ext-ssh2'
import { server } from '../promises/support/embedded.js'
import { enforceKnownHosts, localLine } from '../support/enforced-known-hosts.js'

const files = enforceKnownHosts()

/** Why there is no session; undefined where there is one. */
async function refusal(host: string, port: number): Promise<string | undefined> {
  const session = await ssh2_connect(host, port)
  if (session === false) return ssh2_last_error()?.code
  await ssh2_disconnect(session)
  return undefined
}

describe('known_hosts files that a policy enforces', { timeout: 60_000 }, () => {
  test('are looked at, though nothing is said of how strict to be', async (t) => {
    const started = await server(t)
    await writeFile(files.alone, '')
    assert.equal(await refusal('localhost', started.port), 'ERR_SSH_HOST_KEY_UNKNOWN')
    await writeFile(files.alone, `@revoked ${localLine(started)}\n`)
    assert.equal(await refusal('localhost', started.port), 'ERR_SSH_HOST_KEY_REVOKED')
    await writeFile(files.alone, `${localLine(started)}\n`)
    assert.equal(await refusal('localhost', started.port), undefined)
  })

  test('with a policy beside them, as that says', async (t) => {
    const { port, hostKey } = await server(t)
    await writeFile(files.withPolicy, '')
    assert.equal(await refusal('127.0.0.1', port), undefined)
    assert.equal((await readFile(files.withPolicy, 'utf8')).trim(), hostKey.knownHostsLine)
    await writeFile(files.withPolicy, `@revoked ${hostKey.knownHostsLine}\n`)
    assert.equal(await refusal('127.0.0.1', port), 'ERR_SSH_HOST_KEY_REVOKED')
  })
})
