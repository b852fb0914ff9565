/** Against an scp over a folder, so that it is tried on every machine. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { client, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { folderScp } from './folder-scp.js'

leavesNothing()

async function world(t: TestContext) {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-scp-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (side: string) => (name: string) => path.join(folder, side, name)
  for (const side of ['there', 'here']) await fs.mkdir(at(side)(''))
  const ssh = await client(t, await server(t, { exec: folderScp(at('there')('')) }))
  return { ssh, there: at('there'), here: at('here') }
}

test('a file goes there and back', async (t) => {
  const { ssh, there, here } = await world(t)
  const bytes = randomBytes(3_000_000)
  await fs.writeFile(here('a'), bytes, { mode: 0o640 })
  await fs.utimes(here('a'), 1e9, 1.1e9)
  assert.deepEqual(await ssh.scp.put(here('a'), 'b'), { files: 1, directories: 0, bytes: bytes.length, skipped: [] })
  await ssh.scp.get('b', here('c'))
  for (const file of [there('b'), here('c')]) {
    assert.ok(bytes.equals(await fs.readFile(file)))
    const { mode, mtimeMs } = await fs.stat(file)
    assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1.1e12])
  }
})

test('a tree goes there and back, several at once on one connection', async (t) => {
  const { ssh, here } = await world(t)
  await fs.mkdir(here('tree/sub'), { recursive: true })
  const names = Array.from({ length: 100 }, (_, index) => `sub/${index}`)
  for (const name of names) await fs.writeFile(here(`tree/${name}`), name)
  const rounds = [0, 1, 2].map(async (round) => {
    const { files, directories } = await ssh.scp.put(here('tree'), `copy${round}`, { recursive: true })
    assert.deepEqual([files, directories], [100, 2])
    await ssh.scp.get(`copy${round}`, here(`back${round}`), { recursive: true })
    for (const name of names) assert.equal(await fs.readFile(here(`back${round}/${name}`), 'utf8'), name)
  })
  await Promise.all(rounds)
  assert.equal(ssh.stats().sessions.open, 0)
})

test('what a kernel makes up as it is read is not sent as if it were empty', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const { ssh, here, there } = await world(t)
  await assert.rejects(ssh.scp.put('/proc/version', 'version'), { code: 'ERR_SSH_OPTION', message: /has a size of 0/ })
  await fs.writeFile(here('empty'), '')
  await ssh.scp.put(here('empty'), 'empty')
  assert.equal((await fs.stat(there('empty'))).size, 0)
})

test('names of this machine that are not UTF-8 are left out', { skip: process.platform !== 'linux' }, async (t) => {
  const { ssh, here, there } = await world(t)
  await fs.mkdir(here('tree'))
  for (const name of ['ä', '\ufffd']) await fs.writeFile(here(`tree/${name}`), name)
  for (const byte of [0xe4, 0xf6])
    await fs.writeFile(Buffer.concat([Buffer.from(here('tree/')), Buffer.of(byte)]), 'another')
  const { files, skipped } = await ssh.scp.put(here('tree'), 'tree', { recursive: true })
  const odd = { path: here('tree/\ufffd'), why: 'its name is not UTF-8' }
  assert.deepEqual([files, skipped], [2, [odd, odd]])
  assert.deepEqual(new Set(await fs.readdir(there('tree'))), new Set(['ä', '\ufffd']))
  assert.equal(await fs.readFile(there('tree/\ufffd'), 'utf8'), '\ufffd')
})
