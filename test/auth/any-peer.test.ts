import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import type { AuthWay } from '#src/auth/client.js'
import { ServerAuthentication } from '#src/auth/server.js'
import { keySigner } from '#src/auth/signers.js'
import {
  encodeInfoRequest,
  encodeInfoResponse,
  encodePasswordChangeRequest,
  encodePublicKeyOk,
  encodeUserauthBanner,
  encodeUserauthFailure,
  encodeUserauthRequest,
  encodeUserauthSuccess,
} from '#src/wire/auth-messages.js'
import { encodeServiceAccept, encodeServiceRequest } from '#src/wire/transport-messages.js'
import { End, ecdsa, ed25519, limits, runClient } from './support/line.js'

const methods = fc.subarray(['publickey', 'password', 'keyboard-interactive', 'hostbased'])
const prompts = fc.array(fc.record({ text: fc.string(), echo: fc.boolean() }), { maxLength: 3 })
const garbage = fc
  .tuple(fc.constantFrom(6, 50, 51, 52, 53, 60, 61, 79), fc.uint8Array({ maxLength: 30 }))
  .map(([number, rest]) => Buffer.from([number, ...rest]))

/** What a peer may say, most of it well formed, so that conversations get far. */
const fromServer = fc.oneof(
  { weight: 6, arbitrary: fc.record({ methods, partialSuccess: fc.boolean() }).map(encodeUserauthFailure) },
  { weight: 3, arbitrary: fc.record({ name: fc.string(), instruction: fc.string(), prompts }).map(encodeInfoRequest) },
  { weight: 3, arbitrary: fc.constant(encodePublicKeyOk({ algorithm: 'ssh-ed25519', key: ed25519.publicKey.blob })) },
  { weight: 2, arbitrary: fc.string().map(encodePasswordChangeRequest) },
  { weight: 1, arbitrary: fc.string().map((message) => encodeUserauthBanner({ message, language: '' })) },
  { weight: 1, arbitrary: fc.constant(encodeUserauthSuccess()) },
  { weight: 1, arbitrary: fc.constant(encodeServiceAccept('ssh-userauth')) },
  { weight: 1, arbitrary: garbage },
)

const head = { username: 'deploy', service: 'ssh-connection' } as const
const key = { method: 'publickey', algorithm: 'ssh-ed25519', key: ed25519.publicKey.blob } as const

const fromClient = fc.oneof(
  fc.constant(encodeUserauthRequest({ ...head, method: 'none' })),
  fc.constant(encodeUserauthRequest({ ...head, ...key, signature: undefined })),
  fc.constant(encodeUserauthRequest({ ...head, ...key, signature: Buffer.from('signature') })),
  fc.constant(encodeUserauthRequest({ ...head, method: 'password', password: 'x', newPassword: undefined })),
  fc.constant(encodeUserauthRequest({ ...head, method: 'keyboard-interactive', submethods: [] })),
  fc.array(fc.string(), { maxLength: 2 }).map(encodeInfoResponse),
  fc.constant(encodeServiceRequest('ssh-userauth')),
  garbage,
)

const ways: AuthWay[] = [
  { method: 'publickey', keys: [keySigner(ed25519, 'one'), keySigner(ecdsa, 'two')] },
  { method: 'password', password: 'x', changePassword: async () => ['y'] },
  { method: 'keyboard-interactive', answers: async (form) => form.prompts.map(() => 'z') },
]

test('whatever a server says, authentication settles, with a typed error or by SUCCESS, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fromServer, { maxLength: 2 }), { maxLength: 30 }), async (answers) => {
      const replies = [...answers]
      const { end, client, done } = runClient({ ways }, () => replies.shift() ?? [])
      const outcome = done.then(
        () => 'success',
        (error: unknown) => error,
      )
      await end.advance(limits.authentication)
      const result = await outcome
      assert.ok(result === 'success' || result instanceof HoldfastError, String(result))
      assert.equal(client.succeeded, result === 'success')
      assert.deepEqual([end.waits.size, end.deadlines.size], [0, 0])
    }),
    { numRuns: 300 },
  )
})

test('whatever a client says, nobody gets in without being accepted, and the end comes by the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fromClient, { maxLength: 20 }), async (messages) => {
      const end = new End()
      const server = new ServerAuthentication(end.port, {
        methods: ['publickey', 'password', 'keyboard-interactive'],
        authenticate: async (attempt) => {
          if (attempt.method !== 'keyboard-interactive') return 'refuse'
          await attempt.ask({ name: '', instruction: '', prompts: [{ text: 'Code: ', echo: true }] })
          return 'refuse'
        },
      })
      const outcome = server.run().catch((error: unknown) => error)
      for (const message of [encodeServiceRequest('ssh-userauth'), ...messages]) {
        try {
          server.receive(message)
        } catch (error) {
          assert.ok(error instanceof HoldfastError)
          end.waits.drain(error)
        }
        await end.advance(0)
      }
      await end.advance(120_000)
      assert.ok((await outcome) instanceof HoldfastError)
      assert.equal(server.succeeded, false)
      assert.ok(!end.sent.some((payload) => payload[0] === 52))
      assert.deepEqual([end.waits.size, end.deadlines.size], [0, 0])
    }),
    { numRuns: 200 },
  )
})
