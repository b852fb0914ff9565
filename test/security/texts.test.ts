/** What a peer says may be shown to a person, but never act on a terminal, nor flood a log (CVE-2003-0063 and its like). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HoldfastError } from 'holdfast'
import { ClientAuthentication } from '#src/auth/client.js'
import type { Signer } from '#src/auth/signer.js'
import { defaultLimits } from '#src/client/limits.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { Sessions } from '#src/session/sessions.js'
import {
  decodeUserauthRequest,
  encodeInfoRequest,
  encodePasswordChangeRequest,
  encodePublicKeyOk,
  encodeUserauthBanner,
  encodeUserauthFailure,
} from '#src/wire/auth-messages.js'
import { decodeChannelOpen, encodeChannelOpenFailure, encodeChannelRequest } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeExitSignal } from '#src/wire/session-messages.js'
import { encodeDisconnect } from '#src/wire/transport-messages.js'
import { Writer } from '#src/wire/writer.js'
import { loggedIn, NotingSink, scriptedServer } from '../support/core/pair.js'

/** Sets the title of a terminal, clears it, turns the direction of writing, and goes on for long. */
const controls = '\u001b\u009b\u202e'.repeat(300)
const evil = `\u001b]0;title\u0007\u001b[2J\u202egnp.exe\r\n${'x'.repeat(50_000)}`

const control = /[\p{Cc}\p{Cf}\u2028\u2029]/u

function isClean({ message, hint }: HoldfastError): void {
  for (const text of [message, hint]) {
    assert.doesNotMatch(text, control)
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

/** `SSH_MSG_DEBUG` (RFC 4253 section 11.3). */
function encodeDebug(message: string): Buffer {
  return new Writer().byte(messageNumber.DEBUG).boolean(true).string(message).string('').finish()
}

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

/** A login with a key and a password, at a server that refuses both with many words. */
async function refusedLogin(signatureAlgorithms: string): Promise<HoldfastError> {
  const { time, client, server } = scriptedServer({
    script: { extensions: new Map([['server-sig-algs', Buffer.from(signatureAlgorithms)]]) },
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
  return error
}

test('banners, methods and signature algorithms of a login that fails', async () => {
  const error = await refusedLogin(`ssh-ed25519,${'x'.repeat(50_000)}`)
  assert.equal(error.code, 'ERR_SSH_AUTHENTICATION')
  assert.match(error.message, /the peer takes ssh-ed25519, xxx/)
  isClean(error)
})

for (const [what, list] of [
  ['characters that no name has', evil],
  ['an empty name', 'ssh-ed25519,,rsa-sha2-256'],
  ['more names than anybody knows', Array.from({ length: 1001 }, (_, n) => `n${n}`).join(',')],
] as const) {
  test(`a list of signature algorithms with ${what}`, async () => {
    const error = await refusedLogin(list)
    assert.equal(error.code, 'ERR_SSH_PROTOCOL')
    assert.match(error.message, /^EXT_INFO: server-sig-algs /)
    isClean(error)
  })
}

test('algorithms that are offered in vain', async () => {
  const { time, client, server } = scriptedServer({
    script: { offer: { cipherClientToServer: [`x${'y'.repeat(5000)}`] } },
  })
  server.start()
  const { error } = await time.failure(client.connection.ready, 1000)
  assert.equal(error.code, 'ERR_SSH_NEGOTIATION')
  isClean(error)
})

const form = (text: string) =>
  encodeInfoRequest({ name: '', instruction: '', prompts: Array.from({ length: 64 }, () => ({ text, echo: true })) })

for (const [what, method, answer, expected] of [
  ['the prompts of a form', 'keyboard-interactive', form(evil.slice(0, 2000)), /the peer asks/],
  ['prompts of nothing but control characters', 'keyboard-interactive', form(controls), /the peer asks/],
  ['the prompt for a new password', 'password', encodePasswordChangeRequest(controls), /asks for a new one/],
  [
    'the algorithm of a key',
    'publickey',
    encodePublicKeyOk({ algorithm: evil, key: rsaSigner.publicKey.blob }),
    /algorithm name has/,
  ],
] as const) {
  test(`${what}, in the middle of a login`, async () => {
    const { time, client, server } = scriptedServer({
      client: {
        authenticator: (port) =>
          new ClientAuthentication(port, {
            username: 'deploy',
            ways: [
              { method: 'publickey', keys: [rsaSigner, rsaSigner] },
              { method: 'keyboard-interactive', answers: 'x' },
              { method: 'password', password: 'x' },
            ],
            limits: defaultLimits,
          }),
      },
    })
    const methods = ['publickey', 'keyboard-interactive', 'password']
    server.before = (payload) => {
      if (payload[0] !== messageNumber.USERAUTH_REQUEST) return false
      const asked = decodeUserauthRequest(payload).method
      server.send(asked === method ? answer : encodeUserauthFailure({ methods, partialSuccess: false }))
      return true
    }
    server.start()
    const { error } = await time.failure(client.connection.ready, 1000)
    assert.match(error.message, expected)
    isClean(error)
  })
}

test('what a peer says of itself for whoever debugs it', async () => {
  const { time, client, server } = await loggedIn()
  for (let n = 0; n < 100; n++) server.send(encodeDebug(controls))
  await time.run(10)
  assert.equal(client.connection.remarks.texts.length, 64)
  for (const remark of client.connection.remarks.texts) {
    assert.doesNotMatch(remark, control)
    assert.ok(remark.length <= 401)
  }
})

test('the name of the signal that ended a command', async () => {
  const { time, client, server } = await loggedIn()
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_REQUEST) return false
    server.send(
      encodeChannelRequest({ recipient: 0, type: 'exit-signal', wantReply: false, data: encodeExitSignal(evil) }),
    )
    return true
  }
  const options = { openLimit: defaultLimits.channelOpen, limits: defaultLimits, username: 'deploy' }
  const { error } = await time.failure(new Sessions(client.connection, options).exec('true'), 1000)
  assert.equal(error.code, 'ERR_SSH_PROTOCOL')
  isClean(error)
})
