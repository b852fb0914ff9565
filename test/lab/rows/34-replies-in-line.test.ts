import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, HostKeysEvent } from 'holdfast'
import { proofRequest } from '#src/keys/host-key-rotation.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { assertWithin } from '../../promises/support/outcome.js'
import type { PeerProcess, Settled } from '../peers/peer.js'
import { noteSettled, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, type ScriptedServer, scriptedServer } from '../scripted-server.js'
import { announce, answerOldest, heldNames, knownHostsFile, knows, ownKeys, secondKey } from './support/host-keys.js'
import { slackMs } from './support/scripted.js'

leavesNothing()

const fault = 'the server answers three requests at once'

row({
  number: 34,
  failure: 'another request’s reply is taken for a keepalive’s',
  expected: 'Replies carry no name, so they go to global requests strictly in the order of the requests.',
  how: 'a server that holds back all replies until a probe, a request for proofs of host keys and another probe wait',
  bound: 'at once',
  code: 'none: each request gets its own reply',
  scripted: true,
  needs: nothingNeeded,
  async holdfast(t, watch) {
    const server = await scriptedServer(t, holdsReplies)
    const knownHosts = await knownHostsFile(t, server)
    const ssh = await client(t, server, {
      hostKey: { policy: 'strict', knownHosts: [knownHosts] },
      keepalive: { interval: '1m' },
    })
    const connection = await server.connection()
    // Until one kind of probe has been answered, each that follows is of another kind.
    await connection.requests(1)
    answerInLine(connection)
    await answered(ssh)
    const announced = new Promise<HostKeysEvent>((resolve) => ssh.once('hostkeys', resolve))
    const asked = [ssh.keepalive.send()]
    await connection.requests(1)
    announce(connection)
    await connection.requests(2)
    asked.push(ssh.keepalive.send())
    await connection.requests(3)
    assert.deepEqual(heldNames(connection), ['keepalive@openssh.com', proofRequest, 'keepalive@openssh.com'])
    watch.fault(fault)
    answerInLine(connection)
    const { updated } = await announced
    for (const { probe } of await Promise.all(asked)) assert.equal(probe, 'global-request')
    watch.outcome({ kind: 'kept', text: 'each request got its own reply' })
    assertWithin(watch.since(), [0, slackMs])
    assert.equal(updated, true)
    assert.ok(await knows(knownHosts, secondKey))
    const { surplus, liveness } = ssh.stats()
    assert.deepEqual([surplus, liveness.state], [0, 'alive'])
    await ssh.close()
    await connection.over
  },
  peers: {
    async ssh2(t, other, watch) {
      // It asks nobody else for proofs.
      const server = await scriptedServer(t, holdsReplies, { identification: 'SSH-2.0-OpenSSH_9.9' })
      const peer = other.start(server, { job: 'idle' })
      const settled = await answeredInLine(peer, server, watch)
      noteLearnt(
        watch,
        settled,
        peer.events.some(({ text }) => text === `${ownKeys.length} host keys proven`),
      )
    },
    async openssh(t, other, watch) {
      const server = await scriptedServer(t, holdsReplies)
      const knownHosts = await knownHostsFile(t, server)
      const settings = { UserKnownHostsFile: knownHosts, StrictHostKeyChecking: 'yes', UpdateHostKeys: 'yes' }
      const settled = await answeredInLine(other.start(server, { job: 'idle' }, settings), server, watch)
      noteLearnt(watch, settled, await knows(knownHosts, secondKey))
    },
  },
})

async function answeredInLine(peer: PeerProcess, server: ScriptedServer, watch: Watch): Promise<Settled> {
  await peer.event('ready', 10_000)
  const connection = await server.connection()
  announce(connection)
  await connection.requests(2)
  watch.fault(fault)
  answerInLine(connection)
  return peer.settled(3000)
}

function noteLearnt(watch: Watch, settled: Settled, hasLearnt: boolean): void {
  if (settled !== 'never') noteSettled(watch, settled, 3000)
  else if (hasLearnt) watch.outcome({ kind: 'kept', text: 'each request got its own reply' })
  else watch.outcome({ kind: 'failed', text: 'the proofs of the host keys were lost' })
}

function holdsReplies(connection: ScriptedConnection): void {
  connection.holdsReplies = true
}

/** Waits for the answer to the first probe. */
async function answered(ssh: Client): Promise<void> {
  while (ssh.liveness.rttMs === null) await pause(10)
}

function answerInLine(connection: ScriptedConnection): void {
  while (connection.held.length > 0) answerOldest(connection)
}
