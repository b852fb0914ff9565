/** Left alone, the scripted server is one that every client gets on with: what a row measures is what the row did. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type ClientChannel, Client as Ssh2Client } from 'ssh2'
import { client } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { scriptedServer } from './scripted-server.js'

leavesNothing()

/** Of each test: a shared one would be used up by its neighbours, and end them. */
const timeout = 30_000

describe('the scripted server, left alone, is used by', () => {
  test('Holdfast', { timeout }, async (t) => {
    const server = await scriptedServer(t)
    const ssh = await client(t, server)
    assert.equal((await ssh.exec('anything')).exitCode, 0)
    await ssh.close()
    const connection = await server.connection()
    await connection.over
    assert.deepEqual([connection.endedBy, connection.peer.complaint], ['FIN', undefined])
  })

  test('ssh(1)', { timeout }, async (t) => {
    const server = await scriptedServer(t)
    const files = ['UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=no', 'BatchMode=yes']
    const options = ['-F', 'none', '-p', String(server.port), ...files.flatMap((option) => ['-o', option])]
    await promisify(execFile)('ssh', [...options, 'deploy@127.0.0.1', 'anything'])
    assert.equal((await server.connection()).peer.complaint, undefined)
  })

  test('ssh2', { timeout }, async (t) => {
    const server = await scriptedServer(t)
    const ssh2 = new Ssh2Client()
    ssh2.connect({ host: server.host, port: server.port, username: 'deploy', password: 'secret' })
    await once(ssh2, 'ready')
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      ssh2.exec('anything', (error, opened) => (error === undefined ? resolve(opened) : reject(error)))
    })
    channel.resume()
    assert.deepEqual((await once(channel, 'exit'))[0], 0)
    ssh2.end()
    await once(ssh2, 'close')
    assert.equal((await server.connection()).peer.complaint, undefined)
  })
})
