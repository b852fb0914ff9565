// The policy of this process is written before its first connection.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setDefaults } from 'holdfast'
import {
  type Ssh2Context,
  ssh2_auth_pubkey_file,
  ssh2_connect,
  ssh2_disconnect,
  ssh2_last_error,
} from 'holdfast/ext-ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd, type SshdServer } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { writePolicy } from '../support/policy.js'
import { given } from './session.js'

const skip = skipReason(await prepareSshd('9.2'))

const nobodyIn = (folder: string) => path.join(folder, 'nobody')
const { folder } = writePolicy((at) => ({
  hosts: [{ match: 'localhost', defaults: { hostKey: { policy: 'strict', knownHosts: [nobodyIn(at)] } } }],
}))
const nobody = nobodyIn(folder)
writeFileSync(nobody, '')

/** Why there is no session; undefined where there is one. */
async function refusal(server: SshdServer, context: Ssh2Context = {}, host = '127.0.0.1'): Promise<string | undefined> {
  const session = await ssh2_connect(host, server.port, null, null, context)
  if (session === false) return ssh2_last_error()?.code
  await ssh2_disconnect(session)
  return undefined
}

async function logIn(server: SshdServer, context: Ssh2Context): Promise<boolean> {
  const { privateKey } = server.clientKeys.rsa
  const session = given(await ssh2_connect(server.host, server.port, null, null, context))
  const answer = await ssh2_auth_pubkey_file(session, server.username, `${privateKey}.pub`, privateKey)
  await ssh2_disconnect(session)
  return answer
}

function defaults(t: TestContext, values: Parameters<typeof setDefaults>[0]): void {
  setDefaults(values)
  t.after(() => setDefaults({}))
}

describe('whom the functions of PHP trust', { skip, timeout: 120_000 }, () => {
  test('everybody, as in PHP, where nobody says anything of it', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    assert.equal(await refusal(server), undefined)
  })

  test('by the defaults of a policy, which a program can change', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    assert.equal(await refusal(server, {}, 'localhost'), 'ERR_SSH_HOST_KEY_UNKNOWN')
    const off = { holdfast: { hostKey: { policy: 'off' } } } as const
    assert.equal(await refusal(server, off, 'localhost'), undefined)
  })

  test('by the defaults of the process, also where they only name files or keys', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    defaults(t, { hostKey: { policy: 'strict', knownHosts: [nobody] } })
    assert.equal(await refusal(server), 'ERR_SSH_HOST_KEY_UNKNOWN')
    setDefaults({ hostKey: { knownHosts: [nobody] } })
    assert.equal(await refusal(server), 'ERR_SSH_HOST_KEY_UNKNOWN')
    setDefaults({ hostKey: { fingerprints: [`SHA256:${'A'.repeat(43)}`] } })
    assert.equal(await refusal(server), 'ERR_SSH_HOST_KEY_REJECTED')
  })

  test('by a context, also where it only names files or keys', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const by = (hostKey: NonNullable<Ssh2Context['holdfast']>['hostKey']) => refusal(server, { holdfast: { hostKey } })
    assert.equal(await by({ knownHosts: [nobody] }), 'ERR_SSH_HOST_KEY_UNKNOWN')
    assert.equal(await by({ fingerprints: [`SHA256:${'A'.repeat(43)}`] }), 'ERR_SSH_HOST_KEY_REJECTED')
    assert.equal(await by({ verify: () => false }), 'ERR_SSH_HOST_KEY_REJECTED')
    const known = path.join(folder, 'known')
    const key = readFileSync(`${server.hostKeys.ed25519.privateKey}.pub`, 'utf8')
    writeFileSync(known, `[127.0.0.1]:${server.port} ${key}`)
    assert.equal(await by({ knownHosts: [known] }), undefined)
  })
})

describe('what the functions of PHP sign with', { skip, timeout: 120_000 }, () => {
  test('by a context, with no policy for the host', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { PubkeyAcceptedAlgorithms: 'rsa-sha2-256' } })
    assert.equal(await logIn(server, { holdfast: { algorithms: { publicKey: ['rsa-sha2-256'] } } }), true)
    assert.equal(await logIn(server, { holdfast: { algorithms: { publicKey: ['rsa-sha2-512'] } } }), false)
  })

  test('by the defaults of the process', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { PubkeyAcceptedAlgorithms: 'rsa-sha2-256' } })
    defaults(t, { algorithms: { publicKey: ['rsa-sha2-512'] } })
    assert.equal(await logIn(server, {}), false)
    setDefaults({ algorithms: { publicKey: ['rsa-sha2-256'] } })
    assert.equal(await logIn(server, {}), true)
  })
})
