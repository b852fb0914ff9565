/** What let strangers into servers: the server role of the core serves tests, which must not pass for the wrong reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerAuthentication } from '#src/auth/server.js'
import type { AuthAttempt } from '#src/auth/server-attempt.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { encodeSignedData, encodeUserauthRequest } from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeServiceRequest } from '#src/wire/transport-messages.js'
import { endedBy } from '../support/core/checks.js'
import { CoreEnd } from '../support/core/core-end.js'
import { serverOptions } from '../support/core/options.js'
import { Random } from '../support/core/random.js'
import { ScriptedPeer } from '../support/core/scripted-peer.js'
import { SimulatedTime } from '../support/core/simulated-time.js'
import { Stream } from '../support/core/stream.js'

const [trusted, own] = [generatePrivateKey('ssh-ed25519'), generatePrivateKey('ssh-ed25519')]
const user = { username: 'deploy', service: 'ssh-connection' } as const

test('CVE-2024-45337: a key that was asked about, and not proved, logs nobody in', async () => {
  const time = new SimulatedTime()
  const random = new Random(1)
  const [toServer, toClient] = [new Stream(time), new Stream(time)]
  const attempts: AuthAttempt[] = []
  const server = new CoreEnd(
    time,
    random,
    toClient,
    serverOptions({
      authenticator: (port) =>
        new ServerAuthentication(port, {
          methods: ['publickey'],
          authenticate: async (attempt) => {
            attempts.push(attempt)
            return attempt.method === 'publickey' && attempt.key.blob.equals(trusted.publicKey.blob)
              ? 'accept'
              : 'refuse'
          },
        }),
    }),
  )
  const client = new ScriptedPeer(random, toServer, { role: 'client' })
  toServer.readBy(server)
  toClient.readBy(client)
  server.connection.start()
  client.start()
  await time.until(() => client.exchangesDone === 1, 100)

  const algorithm = 'ssh-ed25519'
  const query = { ...user, method: 'publickey', algorithm, key: trusted.publicKey.blob, signature: undefined } as const
  const sessionId = server.connection.sessionId ?? Buffer.alloc(0)
  const signedBy = (key: Buffer) => own.sign(algorithm, encodeSignedData(sessionId, { ...user, algorithm, key }))
  const ownKey = own.publicKey.blob
  client.send(
    encodeServiceRequest('ssh-userauth'),
    encodeUserauthRequest(query),
    // A proof of another key than was asked about, and a claim to the first that only the other key signed.
    encodeUserauthRequest({ ...query, key: ownKey, signature: signedBy(ownKey) }),
    encodeUserauthRequest({ ...query, signature: signedBy(trusted.publicKey.blob) }),
  )
  await time.run(100)
  const answers = client.heard.map((payload) => payload[0]).filter((number = 0) => number >= 51)
  assert.deepEqual(answers, [60, messageNumber.USERAUTH_FAILURE, messageNumber.USERAUTH_FAILURE])
  const proved = attempts.filter((attempt) => attempt.method === 'publickey' && attempt.proved)
  assert.deepEqual(
    proved.map((attempt) => (attempt.method === 'publickey' ? attempt.key.blob : undefined)),
    [ownKey],
  )
  assert.equal(endedBy(server), undefined)
})
