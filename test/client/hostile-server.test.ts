/** A server that was let in, and then wants more than it should have. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { type Client, connect } from 'holdfast'
import { encodeHostKeys } from '#src/keys/host-key-rotation.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { encodeUserauthBanner } from '#src/wire/auth-messages.js'
import { decodeChannelOpenFailure, encodeChannelOpen, encodeGlobalRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { hostKey } from '../support/core/options.js'
import { Random } from '../support/core/random.js'
import { ScriptedPeer } from '../support/core/scripted-peer.js'

type Script = (server: ScriptedPeer) => ScriptedPeer['before']

/** A client that is logged in to a scripted server which its known_hosts file knows. */
async function connected(
  context: TestContext,
  before: Script = () => () => false,
): Promise<{ client: Client; server: ScriptedPeer }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-'))
  context.after(() => rm(folder, { recursive: true }))
  const knownHosts = path.join(folder, 'known_hosts')
  await writeFile(knownHosts, `example.org ssh-ed25519 ${hostKey.publicKey.blob.toString('base64')}\n`)
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, taken) => {
      setImmediate(() => server.receive(chunk))
      taken()
    },
    final: (done) => {
      setImmediate(() => server.streamEnded())
      done()
    },
  })
  const server = new ScriptedPeer(new Random(1), {
    write: (bytes) => stream.push(bytes),
    end: () => stream.push(null),
  })
  server.before = before(server)
  server.start()
  const client = await connect('deploy@example.org', {
    stream,
    password: 'x',
    agent: false,
    identityFiles: [],
    hostKey: { knownHosts: [knownHosts] },
  })
  context.after(() => client.close())
  return { client, server }
}

test('announcements of host keys without end are looked at once', async (context) => {
  const { client, server } = await connected(context)
  const keys = encodeHostKeys([hostKey.publicKey, generatePrivateKey('ssh-ed25519').publicKey])
  const asked = new Promise<void>((resolve) => {
    server.before = (payload) => {
      if (payload[0] === messageNumber.GLOBAL_REQUEST && payload.includes('hostkeys-prove')) resolve()
      return false
    }
  })
  for (let round = 0; round < 1000; round++) server.send(encodeGlobalRequest('hostkeys-00@openssh.com', false, keys))
  await asked
  await client.keepalive.send()
  const proofs = server.heardOf(messageNumber.GLOBAL_REQUEST).filter((payload) => payload.includes('hostkeys-prove'))
  assert.equal(proofs.length, 1)
})

test('CVE-2016-1908, CVE-2023-38408 and their like: no channel of any type is opened to a client that asked for none', async (context) => {
  const { client, server } = await connected(context)
  const types = [
    'session',
    'x11',
    'auth-agent@openssh.com',
    'forwarded-tcpip',
    'direct-tcpip',
    'direct-streamlocal@openssh.com',
    'tun@openssh.com',
  ]
  for (const [sender, type] of types.entries())
    server.send(encodeChannelOpen({ type, sender, window: 1000, maxPacket: 1000, data: Buffer.alloc(0) }))
  await client.keepalive.send()
  const refused = server.heardOf(messageNumber.CHANNEL_OPEN_FAILURE).map((payload) => decodeChannelOpenFailure(payload))
  assert.deepEqual(
    refused.map(({ recipient, reason }) => [recipient, reason]),
    types.map((_type, sender) => [sender, 1]),
  )
  assert.deepEqual(server.heardOf(messageNumber.CHANNEL_OPEN_CONFIRMATION), [])
})

test('a banner keeps its lines, and nothing that acts on a terminal', async (context) => {
  const { client } = await connected(context, (server) => (payload) => {
    if (payload[0] === messageNumber.USERAUTH_REQUEST)
      server.send(encodeUserauthBanner({ message: '\u001b[2JAuthorized\r\nuse \u202eonly\u0007\n', language: '' }))
    return false
  })
  assert.deepEqual(await once(client, 'banner'), ['\\x1b[2JAuthorized\nuse \\u{202e}only\\x07\n'])
})
