import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin, failure } from '../../promises/support/outcome.js'
import { contented, type SftpScript, sftpOn } from '../../sftp/scripted.js'
import { noteSettled, type PeerClient, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, type ScriptedServer, scriptedServer } from '../scripted-server.js'
import { slackMs, watchedMs } from './support/scripted.js'

leavesNothing()

const limitMs = 2000
const fault = 'the attributes of a file are asked for'

row({
  number: 36,
  failure: 'one reply of an SFTP server is missing',
  expected: 'That call alone fails; its id stays taken, so that a reply which comes late reaches nobody else.',
  how: 'a server that answers probes and all of SFTP but STAT',
  bound: 'reported within 2 s (limit sftp)',
  code: 'ERR_SSH_TIMEOUT',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const { server, sftpServer } = await losesStat(t)
    const ssh = await client(t, server, { keepalive: { interval: 1000, countMax: 3 }, limits: { sftp: limitMs } })
    const sftp = await ssh.sftp()
    watch.fault(fault)
    const { error, tookMs } = await failure(sftp.stat('/lost'))
    watch.outcome({ kind: 'reported', text: `${error.code}, limit ${error.limit}` })
    assert.deepEqual(
      [error.code, error.phase, error.limit, error.limitMs],
      ['ERR_SSH_TIMEOUT', 'request', 'sftp', limitMs],
    )
    assertWithin(tookMs, [limitMs, limitMs + slackMs])

    await sftp.chmod('/there', 0o600)
    const asked = sftp.lstat('/there')
    const script = await sftpServer()
    script.reply(script.idOf('STAT'), { type: 'ATTRS', attributes: { size: 666n } })
    assert.ok(Number.isNaN((await asked).size))
    assert.equal(ssh.liveness.state, 'alive')
    await sftp.close()
    assert.deepEqual(ssh.stats().channels, [])
    await ssh.close()
    await (await server.connection()).over
  },
  peers: { ssh2: watchPeer, openssh: watchPeer },
})

async function watchPeer(t: TestContext, peerClient: PeerClient, watch: Watch): Promise<void> {
  const { server } = await losesStat(t)
  const peer = peerClient.start(server, { job: 'sftp' })
  await peer.event('ready', 10_000)
  watch.fault(fault)
  peer.do({ step: 'stat', path: '/lost' })
  noteSettled(watch, await peer.settled(watchedMs), watchedMs)
}

/** A server whose first connection gets no answer to STAT and LSTAT. */
async function losesStat(t: TestContext): Promise<{ server: ScriptedServer; sftpServer: () => Promise<SftpScript> }> {
  const servers = new WeakMap<ScriptedConnection, SftpScript>()
  const server = await scriptedServer(t, (connection) => {
    const { server: sftp, take } = sftpOn(connection.sessions)
    sftp.answer = (request) => (request.type === 'STAT' ? undefined : contented(request))
    connection.before = take
    servers.set(connection, sftp)
  })
  const sftpServer = async (): Promise<SftpScript> => {
    const sftp = servers.get(await server.connection())
    if (sftp === undefined) throw new Error('there is no SFTP server')
    return sftp
  }
  return { server, sftpServer }
}
