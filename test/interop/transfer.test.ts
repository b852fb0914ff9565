import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, before, test } from 'node:test'
import type { Client } from 'holdfast'
import { login } from '../session/sshd.js'
import { forEachPeer } from './peers.js'

const size = 100_000_000
const renewAfter = 16 * 1024 * 1024
/** How often that makes it one way, where nothing is under way while keys are exchanged: of a slow server that is as much again. */
const renewals = Math.floor(size / renewAfter)

let directory: string
let file: string
let digest: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-transfer-'))
  await chmod(directory, 0o755)
  file = join(directory, 'data')
  const data = randomBytes(size)
  digest = createHash('sha256').update(data).digest('hex')
  await writeFile(file, data)
})
after(() => rm(directory, { recursive: true }))

forEachPeer((peer) => {
  test('100 MB down and up while we renew the keys', async (t) => {
    const server = await peer.start()
    t.after(() => server.stop())
    const ssh = await login(t, server, { rekey: { bytes: renewAfter } })
    const renewed = await transferBothWays(ssh)
    assert.ok(renewed >= renewals, `${renewed} key exchanges on the way there and back`)
  })

  const { startRenewingKeys } = peer
  if (startRenewingKeys === undefined) {
    test('1.1 GB down while the server renews the keys, as it does after 1 GiB', async (t) => {
      const server = await peer.start()
      t.after(() => server.stop())
      // We would renew them after 1 GiB too. This cipher is the one that dropbear is fastest with.
      const options = { rekey: { bytes: 2 ** 36 }, algorithms: { cipher: ['chacha20-poly1305@openssh.com'] } }
      const ssh = await login(t, server, options)
      const command = await ssh.spawn('head -c 1100000000 /dev/zero')
      assert.equal(await countBytes(command.stdout), 1_100_000_000)
      assert.equal(ssh.stats().keyExchanges, 2)
    })
    return
  }

  test('100 MB down and up while the server renews the keys', async (t) => {
    const server = await startRenewingKeys(renewAfter)
    t.after(() => server.stop())
    const ssh = await login(t, server)
    const renewed = await transferBothWays(ssh)
    // AsyncSSH counts only what it sends.
    assert.ok(renewed >= renewals, `${renewed} key exchanges on the way`)
  })
})

async function countBytes(stream: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}

/** @returns how often keys were exchanged meanwhile */
async function transferBothWays(ssh: Client): Promise<number> {
  const { keyExchanges } = ssh.stats()
  assert.equal(await downloadedDigest(ssh), digest)
  assert.equal(await uploadedDigest(ssh), digest)
  return ssh.stats().keyExchanges - keyExchanges
}

async function downloadedDigest(ssh: Client): Promise<string> {
  const command = await ssh.spawn(`cat ${file}`)
  const hash = createHash('sha256')
  await pipeline(command.stdout, hash)
  assert.equal((await command.exited).exitCode, 0)
  return hash.digest('hex')
}

async function uploadedDigest(ssh: Client): Promise<string> {
  const { stdout } = await ssh.exec('sha256sum', { stdin: createReadStream(file) })
  return stdout.slice(0, 64)
}
