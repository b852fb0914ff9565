import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { client, network, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { folderServer } from './folder-server.js'

leavesNothing()

for (const way of ['put', 'get'] as const) {
  test(`a call beside a ${way} that fills a slow link is answered late, and not rejected`, {
    timeout: 60_000,
  }, async (t) => {
    const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-link-'))
    t.after(() => fs.rm(folder, { recursive: true, force: true }))
    const relay = await network(t, await server(t, { subsystems: { sftp: folderServer(folder) } }))
    const ssh = await client(t, relay, { limits: { sftp: 1000 } })
    const sftp = await ssh.sftp()
    const [here, there] = [path.join(folder, 'here'), path.join(folder, 'there')]
    await fs.writeFile(way === 'put' ? here : there, randomBytes(3_000_000))
    relay.rate({ bytesPerSecond: 500_000 })
    const state = { isOver: false }
    const transfer = way === 'put' ? sftp.put(here, 'there') : sftp.get('there', here)
    const watched = transfer.finally(() => {
      state.isOver = true
    })
    let slowestMs = 0
    while (!state.isOver) {
      const since = performance.now()
      await sftp.stat('.')
      slowestMs = Math.max(slowestMs, performance.now() - since)
    }
    await watched
    assert.ok(slowestMs > 1000, `no call took longer than ${Math.round(slowestMs)} ms`)
    assert.ok((await fs.readFile(here)).equals(await fs.readFile(there)))
  })
}
