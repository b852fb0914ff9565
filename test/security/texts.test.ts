/** What a peer says may be shown to a person, but never act on a terminal, nor flood a log (CVE-2003-0063 and its like). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HoldfastError } from 'holdfast'
import { ClientAuthentication } from '#src/auth/client.js'
import type { Signer } from '#src/auth/signer.js'
import { defaultLimits } from '#src/client/limits.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { Sessions } from '#src/session/sessions.js'
import { encodeUserauthBanner, encodeUserauthFailure } from '#src/wire/auth-messages.js'
import { decodeChannelOpen, encodeChannelOpenFailure } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeDisconnect } from '#src/wire/transport-messages.js'
import { loggedIn, NotingSink, scriptedServer } from '../support/core/pair.js'

/** Sets the title of a terminal, clears it, turns the direction of writing, and goes on for long. */
const evil = `\u001b]0;title\u0007\u001b[2J\u202egnp.exe\r\n${'x'.repeat(50_000)}`

function isClean({ message, hint }: HoldfastError): void {
  for (const text of [message, hint]) {
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\u2028\u2029]/u)
    assert.ok(text.length < 3000, `${text.length} characters`)
  }
}

test('lines before the identification, and the identification itself', async () => {
  for (const words of [`${evil}\r\n`.repeat(2), `SSH-1.5-${evil.slice(0, 100)}\r\n`, `SSH-2.0-\u001b[2J\n`]) {
    const { time, client, server } = scriptedServer({ script: { identification: undefined } })
    server.sendRaw(Buffer.from(words))
    server.close()
    const { error } = await time.failure(client.connection.ready, 1000)
    isClean(error)
  }
})

test('a DISCONNECT', async () => {
  const { time, client, server } = await loggedIn()
  server.send(encodeDisconnect({ reason: 2, description: evil }))
  await time.run(10)
  assert.equal(client.cause?.code, 'ERR_SSH_DISCONNECTED')
  isClean(client.cause)
})

test('the refusal of a channel, and what a command is told by it', async () => {
  const { time, client, server } = await loggedIn()
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_OPEN) return false
    const { sender } = decodeChannelOpen(payload)
    server.send(encodeChannelOpenFailure({ recipient: sender, reason: 2, description: evil }))
    return true
  }
  const opening = client.connection.open('session', Buffer.alloc(0), (channel) => new NotingSink(channel))
  isClean((await time.failure(opening, 1000)).error)
  const options = { openLimit: defaultLimits.channelOpen, limits: defaultLimits, username: 'deploy' }
  isClean((await time.failure(new Sessions(client.connection, options).exec('true'), 1000)).error)
})

/** Of the types of keys only RSA has several algorithms, among which the peer's list decides. */
const rsaSigner: Signer = {
  publicKey: generatePrivateKey('ssh-rsa').publicKey,
  source: '~/.ssh/id_rsa',
  waitsOn: 'nothing',
  sign: async () => Buffer.alloc(0),
}

test('banners, methods and signature algorithms of a login that fails', async () => {
  const { time, client, server } = scriptedServer({
    script: { extensions: new Map([['server-sig-algs', Buffer.from(evil)]]) },
    client: {
      authenticator: (port) =>
        new ClientAuthentication(port, {
          username: 'deploy',
          ways: [
            { method: 'publickey', keys: [rsaSigner] },
            { method: 'password', password: 'x' },
          ],
          limits: defaultLimits,
        }),
    },
  })
  const methods = Array.from({ length: 900 }, (_, index) => `method${index}@${'x'.repeat(100)}`)
  server.before = (payload) => {
    if (payload[0] !== messageNumber.USERAUTH_REQUEST) return false
    server.send(
      encodeUserauthBanner({ message: evil, language: '' }),
      encodeUserauthFailure({ methods: ['publickey', ...methods], partialSuccess: false }),
    )
    return true
  }
  server.start()
  const { error } = await time.failure(client.connection.ready, 1000)
  assert.equal(error.code, 'ERR_SSH_AUTHENTICATION')
  assert.match(error.message, /the peer takes \\x1b/)
  isClean(error)
})

test('algorithms that are offered in vain', async () => {
  const { time, client, server } = scriptedServer({
    script: { offer: { cipherClientToServer: [`x${'y'.repeat(5000)}`] } },
  })
  server.start()
  const { error } = await time.failure(client.connection.ready, 1000)
  assert.equal(error.code, 'ERR_SSH_NEGOTIATION')
  isClean(error)
})
