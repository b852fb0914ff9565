import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, HostKeysEvent } from 'holdfast'
import { encodeHostKeys, encodeProofs, hostKeysRequest, proofRequest } from '#src/keys/host-key-rotation.js'
import { knownHostsName } from '#src/keys/known-hosts.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import {
  decodeGlobalRequest,
  encodeGlobalRequest,
  encodeRequestFailure,
  encodeRequestSuccess,
} from '#src/wire/connection-messages.js'
import { client } from '../../promises/support/embedded.js'
import { leavesNothing } from '../../promises/support/leaks.js'
import { hostKey } from '../../support/core/options.js'
import type { PeerProcess, Settled } from '../peers/peer.js'
import { noteSettled, row, type Watch } from '../row.js'
import { nothingNeeded, type ScriptedConnection, type ScriptedServer, scriptedServer } from '../scripted-server.js'

leavesNothing()

/** The server has two keys; the files know the first. */
const secondKey = generatePrivateKey('ssh-ed25519')
const ownKeys = [hostKey, secondKey]
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
    const names = connection.held.map((request) => decodeGlobalRequest(request).name)
    assert.deepEqual(names, ['keepalive@openssh.com', proofRequest, 'keepalive@openssh.com'])
    watch.fault(fault)
    answerInLine(connection)
    const { updated } = await announced
    for (const { probe } of await Promise.all(asked)) assert.equal(probe, 'global-request')
    watch.outcome({ kind: 'kept', text: 'each request got its own reply' })
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

function announce({ peer }: ScriptedConnection): void {
  const keys = encodeHostKeys(ownKeys.map(({ publicKey }) => publicKey))
  peer.send(encodeGlobalRequest(hostKeysRequest, false, keys))
}

/** Proofs are given, and a probe is refused, as every server does. */
function answerInLine({ peer, held }: ScriptedConnection): void {
  for (const request of held.splice(0)) {
    const { name, data } = decodeGlobalRequest(request)
    const isProof = name === proofRequest && peer.sessionId !== undefined
    const proofs = isProof ? encodeProofs(data, ownKeys, peer.sessionId) : undefined
    peer.send(proofs === undefined ? encodeRequestFailure() : encodeRequestSuccess(proofs))
  }
}

async function knownHostsFile(t: TestContext, { host, port }: ScriptedServer): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-lab-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'known_hosts')
  await writeFile(file, `${knownHostsName(host, port)} ssh-ed25519 ${blobOf(hostKey)}\n`)
  return file
}

async function knows(file: string, key: typeof hostKey): Promise<boolean> {
  return (await readFile(file, 'utf8')).includes(blobOf(key))
}

function blobOf({ publicKey }: typeof hostKey): string {
  return publicKey.blob.toString('base64')
}
