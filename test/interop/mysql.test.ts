import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'holdfast'
import { createConnection } from 'mysql2'
import mysql, { type ConnectionOptions, type RowDataPacket } from 'mysql2/promise'
import { closed } from '../forward/local-servers.js'
import { signalConnections } from '../promises/support/signals.js'
import { everyAvailability, skipReason } from '../servers/availability.js'
import { type MariadbServer, prepareMariadb, startMariadb } from '../servers/mariadb.js'
import { prepareSshd } from '../servers/sshd.js'
import { login, sshd } from '../session/sshd.js'
import { bytesUntilHeldUp } from './held-up.js'

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 60_000

const skip = skipReason(await everyAvailability([prepareMariadb(), prepareSshd('10')]))

describe('MariaDB through a tunnel, by mysql2', { skip }, () => {
  let server: MariadbServer
  before(async () => {
    server = await startMariadb()
  })
  after(() => server.stop())

  async function database(t: TestContext, ssh: Client, options: ConnectionOptions = {}) {
    const stream = await ssh.connectTo({ host: server.host, port: server.port }, { allowHalfOpen: false })
    const { user, password } = server
    const client = await mysql.createConnection({ user, password, stream, ...options })
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(error))
    t.after(() => client.destroy())
    return { client, stream, errors }
  }

  test('is asked, and left in order', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { client, stream, errors } = await database(t, ssh)
    const [rows] = await client.execute<RowDataPacket[]>('select ? + 1 as sum', [41])
    assert.deepEqual(rows, [{ sum: 42 }])
    await assert.rejects(client.query('select nonsense'), { code: 'ER_BAD_FIELD_ERROR' })
    await client.end()
    await closed(stream)
    assert.deepEqual([stream.errored, errors], [null, []])
  })

  test('speaks TLS inside the tunnel, with its certificate checked', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const secure = { ca: server.certificate, verifyIdentity: true }
    const { client } = await database(t, ssh, { host: 'localhost', ssl: secure })
    const [rows] = await client.query<RowDataPacket[]>("show status like 'Ssl_version'")
    assert.equal(rows[0]?.['Value'], 'TLSv1.3')
    await assert.rejects(database(t, ssh, { host: 'other', ssl: secure }), { code: /HANDSHAKE|ALTNAME/ })
  })

  test('sends no more of a result than is read', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const stream = await ssh.connectTo({ host: server.host, port: server.port }, { allowHalfOpen: false })
    const client = createConnection({ user: server.user, password: server.password, database: 'mysql', stream })
    const query = client.query("select repeat('x', 1000) as text from seq_1_to_40000")
    const rows = query.stream({ highWaterMark: 50 })
    let count = 0
    for await (const _ of rows) {
      count++
      if (count !== 100) continue
      const came = await bytesUntilHeldUp(stream)
      assert.ok(came < 4_000_000, `${came} bytes came while nobody read`)
    }
    assert.equal(count, 40_000)
    assert.ok(stream.bytesRead > 40_000_000)
    client.end()
    await closed(stream)
  })

  test('has a query cancelled from beside, and goes on', { timeout }, async (t) => {
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const { client } = await database(t, ssh)
    const { client: other } = await database(t, ssh)
    const cancelled = assert.rejects(
      client.query('select count(*) from mysql.seq_1_to_1000000 a, mysql.seq_1_to_1000000 b'),
      {
        code: 'ER_QUERY_INTERRUPTED',
      },
    )
    const isRunning = "select 1 from information_schema.processlist where id = ? and info like '%seq_1_to_1000000%'"
    for (let rows: RowDataPacket[] = []; rows.length === 0; ) {
      ;[rows] = await other.query<RowDataPacket[]>(isRunning, [client.threadId])
    }
    await other.query(`kill query ${client.threadId}`)
    await cancelled
    assert.deepEqual((await client.query('select 1 as one'))[0], [{ one: 1 }])
  })

  test('fails with the cause when the SSH server goes silent in the middle of a query', { timeout }, async (t) => {
    const gate = await sshd(t, { version: '10' })
    const ssh = await login(t, gate, { keepalive: { interval: 300, countMax: 2 } })
    const { client } = await database(t, ssh)
    const { client: idle, errors } = await database(t, ssh)
    const query = assert.rejects(client.query('select sleep(600)'), { code: 'ERR_SSH_PEER_DEAD' })
    await sleep(100)
    await signalConnections(gate, 'SIGSTOP')
    await query
    const cause = await ssh.closed
    await sleep(0)
    assert.equal(errors[0], cause)
    await assert.rejects(idle.query('select 1'))
  })

  test('that ends is told of at once, and the SSH connection lives', { timeout }, async (t) => {
    const mortal = await startMariadb()
    t.after(() => mortal.stop())
    const ssh = await login(t, await sshd(t, { version: '10' }))
    const stream = await ssh.connectTo({ host: mortal.host, port: mortal.port }, { allowHalfOpen: false })
    const client = await mysql.createConnection({ user: mortal.user, password: mortal.password, stream })
    client.on('error', () => {})
    const query = assert.rejects(client.query('select sleep(600)'), { code: 'PROTOCOL_CONNECTION_LOST' })
    await sleep(100)
    await mortal.stop()
    await query
    await closed(stream)
    assert.equal((await ssh.exec('echo alive')).stdout, 'alive\n')
  })
})
