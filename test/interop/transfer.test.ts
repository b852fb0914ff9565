import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Client } from 'holdfast'
import { login } from '../session/sshd.js'
import { forEachPeer } from './peers.js'

const size = 100_000_000
const renewAfter = 16 * 1024 * 1024
/** What may come between a grant and the next look at the window. */
const unseen = 1024 * 1024

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
    const { down, up, window } = await transferBothWays(ssh)
    // We stop as soon as we ask for new keys. The server goes on until it has read that, by what is left of its window:
    // as long as we get no new keys we grant no more.
    assert.ok(up >= renewals(0), `${up} key exchanges on the way up`)
    assert.ok(down >= renewals(window + unseen), `${down} key exchanges on the way down, by a window of ${window}`)
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
    const { down, up } = await transferBothWays(ssh)
    // AsyncSSH counts only what it sends.
    assert.ok(down + up >= renewals(0), `${down} + ${up} key exchanges on the way`)
  })
})

async function countBytes(stream: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}

/** How often keys are renewed one way at least, where that many bytes more go by the old ones each time. */
function renewals(late: number): number {
  return Math.floor(size / (renewAfter + late))
}

/** @returns how often keys were exchanged on each way, and the largest window that was seen on the way down */
async function transferBothWays(ssh: Client) {
  const exchanges = () => ssh.stats().keyExchanges
  const first = exchanges()
  const { hash, window } = await download(ssh)
  assert.equal(hash, digest)
  const between = exchanges()
  assert.equal(await uploadedDigest(ssh), digest)
  return { down: between - first, up: exchanges() - between, window }
}

async function download(ssh: Client) {
  const command = await ssh.spawn(`cat ${file}`)
  const hash = createHash('sha256')
  let window = 0
  for await (const chunk of command.stdout) {
    hash.update(chunk as Buffer)
    window = Math.max(window, ...ssh.stats().channels.map(({ receiveWindow }) => receiveWindow))
  }
  assert.equal((await command.exited).exitCode, 0)
  return { hash: hash.digest('hex'), window }
}

async function uploadedDigest(ssh: Client): Promise<string> {
  const { stdout } = await ssh.exec('sha256sum', { stdin: createReadStream(file) })
  return stdout.slice(0, 64)
}
