import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { server } from '../promises/support/embedded.js'
import { enforceKnownHosts, localLine } from '../support/enforced-known-hosts.js'
import { refusalCode } from './refusal.js'

const files = enforceKnownHosts()

describe('known_hosts files that a policy enforces', { timeout: 60_000 }, () => {
  test('are looked at where the program has no verifier, though nothing is said of how strict to be', async (t) => {
    const started = await server(t)
    const to = { host: 'localhost', port: started.port }
    await writeFile(files.alone, '')
    assert.equal(await refusalCode(to), 'ERR_SSH_HOST_KEY_UNKNOWN')
    await writeFile(files.alone, `@revoked ${localLine(started)}\n`)
    assert.equal(await refusalCode(to), 'ERR_SSH_HOST_KEY_REVOKED')
    assert.equal(await refusalCode({ ...to, hostVerifier: () => true }), 'ERR_SSH_HOST_KEY_REVOKED')
    await writeFile(files.alone, `${localLine(started)}\n`)
    assert.equal(await refusalCode(to), undefined)
  })

  test('with a policy beside them, as that says', async (t) => {
    const { port, hostKey } = await server(t)
    await writeFile(files.withPolicy, '')
    assert.equal(await refusalCode({ host: '127.0.0.1', port }), undefined)
    assert.equal((await readFile(files.withPolicy, 'utf8')).trim(), hostKey.knownHostsLine)
  })
})
