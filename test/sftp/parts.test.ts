/** Transfers that place their file atomically, two at once and one after another. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Sftp, TransferProgress } from 'holdfast'
import { client, network, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { folderServer } from './folder-server.js'

leavesNothing()

type Way = 'put' | 'get'
type Options = Parameters<Sftp['put']>[2]

async function world(t: TestContext) {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-parts-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (side: string) => (name: string) => path.join(folder, side, name)
  await fs.mkdir(at('remote')(''))
  await fs.mkdir(at('local')(''))
  const target = await server(t, { subsystems: { sftp: folderServer(at('remote')('')) } })
  const relay = await network(t, target)
  const open = async () => (await client(t, relay)).sftp()
  return { remote: at('remote'), local: at('local'), open, cut: () => relay.reset() }
}

/** Both ways to the same thing: a source, a target, and the folder of the target. */
function sides(way: Way, { remote, local }: Pick<Awaited<ReturnType<typeof world>>, 'remote' | 'local'>) {
  const [source, target] = way === 'put' ? [local, remote] : [remote, local]
  const transfer = (sftp: Sftp, from: string, to: string, options: Options) =>
    way === 'put' ? sftp.put(local(from), to, options) : sftp.get(from, local(to), options)
  return { source, target, transfer }
}

for (const way of ['put', 'get'] as const) {
  for (const resume of [false, true]) {
    const how = `${way}${resume ? ' with resume' : ''}`

    test(`two files sent to one place at once do not meet on the way: ${how}`, async (t) => {
      const place = await world(t)
      const { source, target, transfer } = sides(way, place)
      const versions = [randomBytes(6_000_000), randomBytes(5_000_000)]
      for (const [index, bytes] of versions.entries()) await fs.writeFile(source(`${index}`), bytes)
      const sessions = [await place.open(), await place.open()]
      const options = { atomic: true, resume }
      await Promise.all(sessions.map((sftp, index) => transfer(sftp, `${index}`, 'x', options)))
      const placed = await fs.readFile(target('x'))
      assert.ok(versions.some((bytes) => bytes.equals(placed)))
      assert.deepEqual(await fs.readdir(target('')), ['x'])
    })

    test(`one file sent twice to one place at once is whole: ${how}`, async (t) => {
      const place = await world(t)
      const { source, target, transfer } = sides(way, place)
      const bytes = randomBytes(6_000_000)
      await fs.writeFile(source('from'), bytes)
      const sftp = await place.open()
      const torn: number[] = []
      const progress = (): void => {
        void fs.stat(target('x')).then(
          ({ size }) => size === bytes.length || torn.push(size),
          () => {},
        )
      }
      const options = { atomic: true, resume, progress }
      const both = [transfer(sftp, 'from', 'x', options), transfer(await place.open(), 'from', 'x', options)]
      await Promise.all(both)
      assert.ok(bytes.equals(await fs.readFile(target('x'))))
      assert.deepEqual(torn, [])
      assert.deepEqual(await fs.readdir(target('')), ['x'])
    })
  }

  test(`${way} with resume finds its own part again, and nobody else's`, async (t) => {
    const place = await world(t)
    const { source, target, transfer } = sides(way, place)
    const [mine, other] = [randomBytes(9_000_000), randomBytes(8_000_000)]
    await fs.writeFile(source('mine'), mine)
    await fs.writeFile(source('other'), other)
    const cutLater = ({ bytes }: TransferProgress): void => {
      if (bytes > 5_000_000) place.cut()
    }
    for (const from of ['mine', 'other']) {
      const options = { atomic: true, resume: true, progress: cutLater }
      await assert.rejects(transfer(await place.open(), from, 'x', options), { code: 'ERR_SSH_CONNECTION_LOST' })
    }
    const parts = await fs.readdir(target(''))
    assert.equal(parts.length, 2)
    for (const part of parts) assert.match(part, /^x\.[0-9a-f]{12}\.holdfast-part$/)
    for (const [from, bytes] of [
      ['mine', mine],
      ['other', other],
    ] as const) {
      const { resumed } = await transfer(await place.open(), from, 'x', { atomic: true, resume: true })
      assert.ok(resumed > 2_000_000, `${resumed} bytes resumed of ${from}, of ${parts.join()}`)
      assert.ok(bytes.equals(await fs.readFile(target('x'))))
    }
    assert.deepEqual(await fs.readdir(target('')), ['x'])
  })

  test(`${way} makes parts of names that leave no room for more`, async (t) => {
    const place = await world(t)
    const { source, target, transfer } = sides(way, place)
    const names = [`${'x'.repeat(254)}1`, `${'x'.repeat(254)}2`, 'ä'.repeat(127)]
    for (const name of names) await fs.writeFile(source(name), name)
    const sftp = await place.open()
    for (const resume of [false, true])
      await Promise.all(names.map((name) => transfer(sftp, name, name, { atomic: true, resume })))
    for (const name of names) assert.equal(await fs.readFile(target(name), 'utf8'), name)
    assert.equal((await fs.readdir(target(''))).length, 3)
  })
}
