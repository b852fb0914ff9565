/** Transfers that place their file atomically, two at once and one after another. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ConnectOptions, DiagnosticsMessages, Sftp, TransferProgress } from 'holdfast'
import { client, network, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { type FolderOptions, folderServer } from './folder-server.js'

leavesNothing()

type Way = 'put' | 'get'
type Options = Parameters<Sftp['put']>[2]

/** A disk that is busy may hold up the removal of a part. */
const patient = { channelClose: '1m' } as const

async function world(t: TestContext, options: FolderOptions = {}, limits: ConnectOptions['limits'] = patient) {
  const folder = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-parts-'))
  t.after(() => fs.rm(folder, { recursive: true, force: true }))
  const at = (side: string) => (name: string) => path.join(folder, side, name)
  await fs.mkdir(at('remote')(''))
  await fs.mkdir(at('local')(''))
  const target = await server(t, { subsystems: { sftp: folderServer(at('remote')(''), options) } })
  const relay = await network(t, target)
  const open = async () => (await client(t, relay, { limits })).sftp()
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

  test(`${way} that is given up leaves nothing behind once that is told`, async (t) => {
    const place = await world(t)
    const { source, target, transfer } = sides(way, place)
    await fs.mkdir(source('tree'))
    for (const name of ['one', 'tree/1', 'tree/2', 'tree/3', 'tree/4'])
      await fs.writeFile(source(name), Buffer.alloc(8_000_000))
    for (const name of ['one', 'tree']) {
      const sftp = await place.open()
      const stop = new AbortController()
      const progress = ({ bytes }: TransferProgress): void => {
        if (bytes > 3_000_000) stop.abort()
      }
      const options = { atomic: true, signal: stop.signal, progress }
      await assert.rejects(transfer(sftp, name, name, options), { code: 'ERR_SSH_ABORTED' })
      await sftp.close()
    }
    const left = await fs.readdir(target(''), { recursive: true })
    assert.deepEqual(left, ['tree'])
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

test('a put that the server refuses on the way leaves nothing behind', async (t) => {
  const place = await world(t, {
    asked: (request) => {
      if (request.type === 'WRITE' && request.offset > 2_000_000n) throw new Error('No space left on device')
    },
  })
  await fs.writeFile(place.local('from'), Buffer.alloc(8_000_000))
  const sftp = await place.open()
  const put = sftp.put(place.local('from'), 'x', { atomic: true })
  await assert.rejects(put, { code: 'ERR_SSH_SFTP_FAILURE', syscall: 'write' })
  await sftp.close()
  assert.deepEqual(await fs.readdir(place.remote('')), [])
})

test('a server that answers nothing holds up the end of a put for a bounded time', { timeout: 60_000 }, async (t) => {
  const goesOn = new AbortController()
  t.after(() => goesOn.abort())
  const stop = new AbortController()
  const hangs = new EventEmitter()
  const answers: FolderOptions = {
    // The way to the disk may take two minutes.
    asked: async (request) => {
      if (request.type !== 'EXTENDED' && (request.type !== 'WRITE' || request.offset < 4_000_000n)) return
      hangs.emit('hangs')
      await once(goesOn.signal, 'abort')
    },
  }
  const put = async (name: string, limits: ConnectOptions['limits'], signal?: AbortSignal) => {
    const place = await world(t, answers, limits)
    await fs.mkdir(place.local('tree'))
    for (const file of ['one', 'tree/1']) await fs.writeFile(place.local(file), Buffer.alloc(8_000_000))
    await fs.writeFile(place.local('tree/2'), 'small')
    return (await place.open()).put(place.local(name), 'x', { atomic: true, signal })
  }
  // Nothing more is waited for where the server was found to answer nothing.
  const reached: string[] = []
  const note = (message: unknown): void => void reached.push((message as DiagnosticsMessages['holdfast:limit']).what)
  subscribe('holdfast:limit', note)
  t.after(() => unsubscribe('holdfast:limit', note))
  for (const [name, part] of [
    ['one', "unlink 'x."],
    ['tree', "unlink 'x/"],
  ] as const) {
    await assert.rejects(put(name, { sftp: '3s', channelClose: '10m' }), { code: 'ERR_SSH_TIMEOUT', limit: 'sftp' })
    assert.ok(!reached.some((what) => what.includes(part)), reached.join('\n'))
  }
  hangs.on('hangs', () => stop.abort())
  await assert.rejects(put('one', { sftp: '10m', channelClose: '500ms' }, stop.signal), { code: 'ERR_SSH_ABORTED' })
})
