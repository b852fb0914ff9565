import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startServer, type TestServer } from 'holdfast/testing'
import { skipReason } from '../servers/availability.js'
import { preparePostgres, startPostgres } from '../servers/postgres.js'
import { folderServer } from '../sftp/folder-server.js'
import { runExample } from './run-example.js'

const noPostgres = skipReason(await preparePostgres())

describe('the examples', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'holdfast-examples-'))
  const remote = path.join(home, 'remote')
  let server: TestServer
  const target = () => `deploy@127.0.0.1:${server.port}`
  const run = (file: string, ...args: string[]) => runExample(home, file, args)

  before(async () => {
    mkdirSync(remote)
    server = await startServer({
      users: { deploy: { password: 'secret' } },
      shell: true,
      forwarding: true,
      subsystems: { sftp: folderServer(remote) },
    })
    mkdirSync(path.join(home, '.ssh'))
    writeFileSync(path.join(home, '.ssh/known_hosts'), `${server.hostKey.knownHostsLine}\n`)
  })
  after(async () => {
    await server.close()
    rmSync(home, { recursive: true })
  })

  test('keepalive.js asks, sleeps as it is told, and asks again', async () => {
    const { code, lines, stderr } = await run('keepalive.js', target(), '200ms', '3')
    assert.equal(code, 0, stderr)
    assert.equal(lines.length, 3)
    for (const line of lines) assert.match(line, /^answered in \d+\.\d ms; asks again in 0\.\d s$/)
  })

  for (const command of ['sleep 30000', 'sleep 30000; true']) {
    test(`limit.js ends '${command}' at its limit and ends by itself`, async () => {
      const { code, lines, stderr } = await run('limit.js', target(), '1s', command)
      assert.equal(code, 0, stderr)
      assert.match(lines[0] ?? '', /^ERR_SSH_TIMEOUT: limit timeout, returned after [1-4]\.\d\d s$/)
      assert.match(lines[1] ?? '', /^remote command terminated: /)
      assert.deepEqual(server.processes(), [])
    })
  }

  test('two-hops.js runs a command behind two hosts, and ends by itself', async () => {
    const { code, lines, stderr } = await run('two-hops.js', target(), target(), target(), 'echo behind')
    assert.equal(code, 0, stderr)
    assert.deepEqual(lines, ['behind'])
    assert.equal(server.connections.length, 0)
  })

  test('two-hops.js says which host failed', async () => {
    const { code, stderr } = await run('two-hops.js', target(), target(), `nobody@127.0.0.1:${server.port}`)
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^127\\.0\\.0\\.1:${server.port} failed \\(authentication\\)`))
  })

  test('deploy.js puts a folder in place, one release after another, and goes on with one that is there', async () => {
    const folder = path.join(home, 'site')
    mkdirSync(path.join(folder, 'css'), { recursive: true })
    writeFileSync(path.join(folder, 'css/style.css'), 'p {}')
    const current = path.join(remote, 'app/current')
    for (const [release, page] of [
      ['first', 'hello'],
      ['second', 'hello again'],
    ] as const) {
      writeFileSync(path.join(folder, 'index.html'), page)
      const { code, lines, stderr } = await run('deploy.js', target(), folder, 'app', release)
      assert.equal(code, 0, stderr)
      assert.deepEqual(lines, [
        `2 files: ${page.length + 4} bytes sent, 0 were there`,
        `current is releases/${release}`,
      ])
      assert.equal(readlinkSync(current), `releases/${release}`)
      assert.equal(readFileSync(path.join(current, 'index.html'), 'utf8'), page)
      assert.equal(readFileSync(path.join(current, 'css/style.css'), 'utf8'), 'p {}')
    }
    const { lines } = await run('deploy.js', target(), folder, 'app', 'second')
    assert.deepEqual(lines, ['2 files: 0 bytes sent, 15 were there', 'current is releases/second'])
  })

  test('database.js asks a PostgreSQL behind the server, and ends by itself', { skip: noPostgres }, async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    const { user: PGUSER, password: PGPASSWORD, database: PGDATABASE } = postgres
    const args = [target(), `localhost:${postgres.port}`, 'select 6 * 7 as answer']
    const { code, lines, stderr } = await runExample(home, 'database.js', args, { PGUSER, PGPASSWORD, PGDATABASE })
    assert.equal(code, 0, stderr)
    assert.match(lines.join('\n'), /answer.*\n.*\n.* 42 /)
    assert.equal(server.connections.length, 0)
  })

  test('http-through-socks.js fetches a page through the server, and ends by itself', async (t) => {
    const web = http.createServer((request, response) => response.end(`you asked for ${request.url}`))
    web.listen(0, '127.0.0.1')
    await once(web, 'listening')
    t.after(() => web.close())
    const { port } = web.address() as AddressInfo
    const { code, lines, stderr } = await run('http-through-socks.js', target(), `http://127.0.0.1:${port}/status`)
    assert.equal(code, 0, stderr)
    assert.deepEqual([lines, stderr], [['you asked for /status'], '200 OK\n'])
    assert.equal(server.connections.length, 0)
  })

  test('many-hosts.js runs a command on 50 hosts, 10 at once, and says which failed', async (t) => {
    let running = 0
    let most = 0
    const all = new EventEmitter()
    const servers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        startServer({
          users: { deploy: { password: 'secret' } },
          exec: async ({ stdout, command }) => {
            most = Math.max(most, ++running)
            // The first ones end when there are as many as there may be, and a little later, when there would be more.
            if (running === 10) setTimeout(() => all.emit('here'), 100)
            if (most < 10 || running === 10) await once(all, 'here')
            running--
            stdout.write(`${command} on ${index}\n`)
            return index === 7 ? 1 : 0
          },
        }),
      ),
    )
    t.after(() => Promise.all(servers.map((one) => one.close())))
    writeFileSync(
      path.join(home, '.ssh/known_hosts'),
      `${server.hostKey.knownHostsLine}\n${servers.map((one) => `${one.hostKey.knownHostsLine}\n`).join('')}`,
    )
    await servers[9]?.close()
    const names = servers.map((one) => `deploy@127.0.0.1:${one.port}`)
    const file = path.join(home, 'hosts.txt')
    writeFileSync(file, `${names.join('\n')}\n`)
    const { code, lines, stderr } = await run('many-hosts.js', file, 'uptime')
    assert.equal(code, 1)
    const expected = names.flatMap((name, index) => (index === 7 || index === 9 ? [] : [`${name}: uptime on ${index}`]))
    assert.deepEqual(lines.toSorted(), expected.toSorted())
    assert.match(stderr, new RegExp(`^${names[7]}: .*exit code 1`, 'm'))
    assert.match(stderr, new RegExp(`^${names[9]}: .*ECONNREFUSED`, 'm'))
    assert.equal(stderr.trim().split('\n').length, 2)
    assert.equal(most, 10)
  })
})
