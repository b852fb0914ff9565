import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, TunnelTarget } from 'holdfast'
import { type ClientConfig, Client as PgClient, Pool } from 'pg'
import QueryStream from 'pg-query-stream'
import { closed } from '../forward/local-servers.js'
import { signalConnections } from '../promises/support/signals.js'
import { everyAvailability, skipReason } from '../servers/availability.js'
import { type PostgresServer, preparePostgres, startPostgres } from '../servers/postgres.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { bytesUntilHeldUp } from './held-up.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 60_000

const skip = skipReason(await everyAvailability([preparePostgres(), prepareSshd('9.2'), prepareSshd('10')]))

describe('PostgreSQL through a tunnel', { skip }, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const address = (): TunnelTarget => ({ host: server.host, port: server.port })

  /** A client on a tunnel of its own. */
  async function database(t: TestContext, ssh: Client, options: ClientConfig = {}, to = address()) {
    const tunnel = await ssh.connectTo(to)
    const { user, password } = server
    const client = new PgClient({ user, password, database: server.database, stream: () => tunnel, ...options })
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(error))
    await client.connect()
    t.after(() => client.end())
    return { client, tunnel, errors }
  }

  for (const version of ['9.2', '10'] as const) {
    test(`is asked over TCP and a Unix socket by way of OpenSSH ${version}, and left in order`, {
      timeout,
    }, async (t) => {
      const ssh = await login(t, await sshd(t, { version }))
      for (const to of [address(), { path: server.socketPath }]) {
        const { client, tunnel, errors } = await database(t, ssh, {}, to)
        const { rows } = await client.query('select $1::int + 1 as sum', [41])
        assert.deepEqual(rows, [{ sum: 42 }])
        await assert.rejects(client.query('select nonsense'), { code: '42703' })
        await client.end()
        await closed(tunnel)
        assert.deepEqual([tunnel.errored, errors], [null, []])
      }
      while (ssh.stats().channels.length > 0) await ssh.keepalive.send()
    })
  }

  test('speaks TLS inside the tunnel, with its certificate checked', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const secure = { host: 'localhost', ssl: { ca: server.certificate } }
    const { client } = await database(t, ssh, secure)
    const { rows } = await client.query('select ssl, version from pg_stat_ssl where pid = pg_backend_pid()')
    assert.deepEqual(rows, [{ ssl: true, version: 'TLSv1.3' }])
    const { rows: long } = await client.query<{ text: string }>("select repeat('x', 3000000) as text")
    assert.equal(long[0]?.text.length, 3_000_000)
    await assert.rejects(database(t, ssh, { ...secure, host: 'other' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  test('sends no more of a result than is read', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { client, tunnel } = await database(t, ssh)
    const { client: observer } = await database(t, ssh)
    const pid = await processOf(client)
    const query = client.query("select repeat('x', 1000) as text from generate_series(1, 40000)")
    tunnel.once('data', () => tunnel.pause())
    const came = await bytesUntilHeldUp(tunnel)
    assert.ok(came < 4_000_000, `${came} bytes came while nobody read`)
    const { rows } = await observer.query('select wait_event from pg_stat_activity where pid = $1', [pid])
    assert.deepEqual(rows, [{ wait_event: 'ClientWrite' }])
    tunnel.resume()
    assert.equal((await query).rows.length, 40_000)
    assert.ok(tunnel.bytesRead > 40_000_000)
  })

  test('gives rows one by one, as they are asked for', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { client, tunnel } = await database(t, ssh)
    const rows = new QueryStream("select repeat('x', 1000) from generate_series(1, 20000)", [], { highWaterMark: 50 })
    let count = 0
    for await (const _ of client.query(rows)) {
      if (++count === 1000) break
    }
    assert.equal(count, 1000)
    assert.ok(tunnel.bytesRead < 1_300_000, `${tunnel.bytesRead} bytes for 1000 rows of 1 kB`)
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }])
  })

  test('has a query cancelled from beside, and goes on', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { client } = await database(t, ssh)
    const { client: other } = await database(t, ssh)
    const pid = await processOf(client)
    const cancelled = assert.rejects(client.query('select pg_sleep(600)'), { code: '57014' })
    const isActive = "select 1 from pg_stat_activity where pid = $1 and query like '%pg_sleep%'"
    while ((await other.query(isActive, [pid])).rowCount === 0) await sleep(20)
    await other.query('select pg_cancel_backend($1)', [pid])
    await cancelled
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }])
  })

  for (const [signal, code] of [
    ['SIGSTOP', 'ERR_SSH_PEER_DEAD'],
    ['SIGKILL', 'ERR_SSH_CONNECTION_LOST'],
  ] as const) {
    test(`fails with the cause when the SSH server gets ${signal} in the middle of a query`, { timeout }, async (t) => {
      const gate = await sshd(t, { version: '10' })
      const ssh = await login(t, gate, { keepalive: { interval: 300, countMax: 2 } })
      const { client, tunnel, errors } = await database(t, ssh)
      const { client: idle, errors: idleErrors } = await database(t, ssh)
      const query = assert.rejects(client.query('select pg_sleep(600)'), { code })
      const queued = assert.rejects(client.query('select 2'), { code })
      await sleep(100)
      await signalConnections(gate, signal)
      await Promise.all([query, queued])
      const cause = await ssh.closed
      assert.equal(tunnel.errored, cause)
      await closed(tunnel)
      assert.deepEqual([errors[0], idleErrors[0]], [cause, cause])
      await assert.rejects(idle.query('select 1'))
      await Promise.all([client.end(), idle.end()])
    })
  }

  test('that ends is told of at once, and the SSH connection lives', { timeout }, async (t) => {
    const mortal = await startPostgres()
    t.after(() => mortal.stop())
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { client, tunnel, errors } = await database(t, ssh, {}, { host: mortal.host, port: mortal.port })
    const query = assert.rejects(client.query('select pg_sleep(600)'), { code: '57P01' })
    await sleep(100)
    await mortal.stop()
    await query
    await closed(tunnel)
    assert.match(String(errors[0]), /Connection terminated unexpectedly/)
    await assert.rejects(ssh.connectTo({ host: mortal.host, port: mortal.port }), { code: 'ERR_SSH_CHANNEL_OPEN' })
    assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
  })

  test('has a pool on a forward', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const forward = await ssh.forwardLocal({ to: address() })
    const { host, port } = forward.address
    const { user, password } = server
    const pool = new Pool({ host, port, user, password, database: server.database, max: 5 })
    const numbers = Array.from({ length: 50 }, (_, index) => index)
    const ask = async (number: number): Promise<unknown> => {
      const { rows } = await pool.query('select $1::int as number', [number])
      return rows[0]
    }
    assert.deepEqual(
      await Promise.all(numbers.map(ask)),
      numbers.map((number) => ({ number })),
    )
    assert.equal(forward.connections, 5)
    await pool.end()
    while (forward.connections > 0) await sleep(10)
  })
})

async function processOf(client: PgClient): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
