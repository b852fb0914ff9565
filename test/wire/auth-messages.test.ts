import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import * as messages from '#src/wire/auth-messages.js'

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true })
}

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 100 })
const name = fc.stringMatching(/^[a-z0-9@.-]{1,30}$/)
const names = fc.array(name, { maxLength: 10 })
const head = { username: text, service: name }

test('a request of each method comes back as it was written', () => {
  const request = fc.oneof(
    record({ ...head, method: fc.constant('none' as const) }),
    record({
      ...head,
      method: fc.constant('publickey' as const),
      algorithm: name,
      key: bytes,
      signature: fc.option(bytes, { nil: undefined }),
    }),
    record({
      ...head,
      method: fc.constant('password' as const),
      password: text,
      newPassword: fc.option(text, { nil: undefined }),
    }),
    record({ ...head, method: fc.constant('keyboard-interactive' as const), submethods: names }),
  )
  fc.assert(
    fc.property(request, (sent) => {
      assert.deepEqual(messages.decodeUserauthRequest(messages.encodeUserauthRequest(sent)), sent)
    }),
  )
})

test('a request of an unknown method keeps its name, and what follows it is not read', () => {
  const gssapi = Buffer.concat([
    Buffer.from('\x32\0\0\0\x01u\0\0\0\x0essh-connection\0\0\0\x0fgssapi-with-mic', 'latin1'),
    Buffer.from([1, 2, 3]),
  ])
  assert.deepEqual(messages.decodeUserauthRequest(gssapi), {
    username: 'u',
    service: 'ssh-connection',
    method: 'other',
    name: 'gssapi-with-mic',
  })
})

test('answers come back as they were written', () => {
  fc.assert(
    fc.property(names, fc.boolean(), (methods, partialSuccess) => {
      const sent = { methods, partialSuccess }
      assert.deepEqual(messages.decodeUserauthFailure(messages.encodeUserauthFailure(sent)), sent)
    }),
  )
  fc.assert(
    fc.property(text, text, name, bytes, (message, language, algorithm, key) => {
      const banner = { message, language }
      assert.deepEqual(messages.decodeUserauthBanner(messages.encodeUserauthBanner(banner)), banner)
      const ok = { algorithm, key }
      assert.deepEqual(messages.decodePublicKeyOk(messages.encodePublicKeyOk(ok)), ok)
      assert.equal(messages.decodePasswordChangeRequest(messages.encodePasswordChangeRequest(message)), message)
    }),
  )
})

test('forms and their answers come back as they were written', () => {
  const prompts = fc.array(record({ text, echo: fc.boolean() }), { maxLength: 64 })
  fc.assert(
    fc.property(record({ name: text, instruction: text, prompts }), (form) => {
      assert.deepEqual(messages.decodeInfoRequest(messages.encodeInfoRequest(form)), form)
      const answers = form.prompts.map((prompt) => prompt.text)
      assert.deepEqual(messages.decodeInfoResponse(messages.encodeInfoResponse(answers)), answers)
    }),
  )
})

const decoders = {
  USERAUTH_REQUEST: messages.decodeUserauthRequest,
  USERAUTH_FAILURE: messages.decodeUserauthFailure,
  USERAUTH_SUCCESS: messages.decodeUserauthSuccess,
  USERAUTH_BANNER: messages.decodeUserauthBanner,
  USERAUTH_PK_OK: messages.decodePublicKeyOk,
  USERAUTH_PASSWD_CHANGEREQ: messages.decodePasswordChangeRequest,
  USERAUTH_INFO_REQUEST: messages.decodeInfoRequest,
  USERAUTH_INFO_RESPONSE: messages.decodeInfoResponse,
} as const

for (const [message, decode] of Object.entries(decoders)) {
  test(`whatever bytes come, ${message} is read or refused by name`, () => {
    // Small numbers are likely lengths, so that many inputs get beyond the first field.
    const byte = fc.oneof(fc.nat(8), fc.nat(255))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), (input) => {
        try {
          decode(Buffer.from(input))
        } catch (error) {
          assert.ok(error instanceof HoldfastError)
          assert.equal(error.code, 'ERR_SSH_PROTOCOL')
          assert.ok(error.message.startsWith(`${message}: `))
        }
      }),
      { numRuns: 500 },
    )
  })
}

const refused = (field: RegExp) => (error: unknown) =>
  error instanceof HoldfastError && error.code === 'ERR_SSH_PROTOCOL' && field.test(error.message)

test('a form with more prompts than a person could fill in is refused before anything is allocated', () => {
  const form = messages.encodeInfoRequest({ name: '', instruction: '', prompts: [] })
  form.writeUInt32BE(0xffffffff, form.length - 4)
  assert.throws(() => messages.decodeInfoRequest(form), refused(/num-prompts is 4294967295, where at most 64/))
  assert.throws(() => messages.decodeInfoResponse(Buffer.from([61, 0, 0, 0, 65])), refused(/num-responses is 65/))
})

test('bytes after the end of a message are refused', () => {
  assert.throws(() => messages.decodeUserauthSuccess(Buffer.of(52, 0)), refused(/1 unexpected bytes/))
  const failure = messages.encodeUserauthFailure({ methods: [], partialSuccess: false })
  assert.throws(() => messages.decodeUserauthFailure(Buffer.concat([failure, failure])), refused(/unexpected bytes/))
})

test('what is signed begins with the session identifier, and differs from the request by nothing else', () => {
  const request = { username: 'u', service: 's', method: 'publickey', algorithm: 'a', key: Buffer.from('k') } as const
  const signed = messages.encodeSignedData(Buffer.from('id'), request)
  const sent = messages.encodeUserauthRequest({ ...request, signature: Buffer.alloc(0) })
  assert.deepEqual(signed, Buffer.concat([Buffer.from('\0\0\0\x02id', 'latin1'), sent.subarray(0, -4)]))
})
