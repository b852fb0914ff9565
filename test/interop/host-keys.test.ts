import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultAlgorithms } from '#src/kex/algorithms.js'
import { keyPool } from '../servers/keys.js'
import type { ReferenceServer } from '../servers/reference-server.js'
import { login } from '../session/sshd.js'
import { offerOf } from './offer.js'
import { forEachPeer } from './peers.js'

forEachPeer((peer) => {
  test('proves itself by every kind of host key and certificate', async (t) => {
    const server = await peer.startWithEveryAlgorithm()
    t.after(() => server.stop())
    const knownHosts = await writeKnownHosts(server)
    const offered = (await offerOf(server)).serverHostKey
    const common = defaultAlgorithms.serverHostKey.filter((name) => offered.includes(name))
    assert.notDeepEqual(common, [])
    for (const name of common) {
      const hostKey = { knownHosts: [knownHosts], policy: 'strict' } as const
      const ssh = await login(t, server, { hostKey, algorithms: { serverHostKey: [name] } })
      assert.equal(ssh.negotiated?.serverHostKey, name)
      await ssh.close()
    }
  })
})

/** Every key of the server, and the authority of its certificates. */
async function writeKnownHosts(server: ReferenceServer): Promise<string> {
  const { authorities } = await keyPool()
  const keys = await Promise.all(Object.values(server.hostKeys).map(({ publicKey }) => readFile(publicKey, 'utf8')))
  const host = `[${server.host}]:${server.port}`
  const lines = [
    `@cert-authority ${host} ${await readFile(authorities.host, 'utf8')}`,
    ...keys.map((key) => `${host} ${key}`),
  ]
  const path = join(server.directory, 'known_hosts')
  await writeFile(path, lines.join(''))
  return path
}
