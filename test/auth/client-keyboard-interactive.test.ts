import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthWay } from '#src/auth/client.js'
import type { AskPerson } from '#src/auth/prompt.js'
import {
  decodeInfoResponse,
  encodeInfoRequest,
  encodeUserauthFailure,
  encodeUserauthSuccess,
  type InfoRequest,
} from '#src/wire/auth-messages.js'
import { failsWith } from './support/errors.js'
import { limits, runClient, type Script } from './support/line.js'

const success = encodeUserauthSuccess()
const refuse = encodeUserauthFailure({ methods: ['keyboard-interactive'], partialSuccess: false })
const hidden = { text: 'Password: ', echo: false }
const code = { text: 'Code: ', echo: true }
const form = (...prompts: InfoRequest['prompts'][number][]) => encodeInfoRequest({ name: '', instruction: '', prompts })
const way = (answers: string | AskPerson): AuthWay => ({ method: 'keyboard-interactive', answers })

/** Sends one form after the other, then the last message; keeps the responses. */
function forms(all: readonly Buffer[], last: Buffer) {
  const responses: (readonly string[])[] = []
  const script: Script = (request, payload) => {
    if (request === undefined) responses.push(decodeInfoResponse(payload))
    return [all[responses.length] ?? last]
  }
  return { script, responses }
}

test('a person fills in form after form', async () => {
  const { script, responses } = forms([form(hidden), form(code, code), form()], success)
  const texts: string[] = []
  const ask: AskPerson = async ({ prompts }) => prompts.map(({ text }) => `${texts.push(text)}`)
  await runClient({ ways: [way(ask)] }, script).done
  assert.deepEqual(responses, [['1'], ['2', '3'], []])
  assert.deepEqual(texts, ['Password: ', 'Code: ', 'Code: '])
})

test('what the peer wants shown is cleaned, line by line', async () => {
  const evil = {
    name: 'a\x1b]0;b\x07',
    instruction: 'one\r\ntwo\x1b[2J',
    prompts: [{ text: '\u202ecode: ', echo: true }],
  }
  const { script } = forms([encodeInfoRequest(evil)], success)
  const seen: InfoRequest[] = []
  const ask: AskPerson = async (shown) => {
    seen.push(shown)
    return ['']
  }
  await runClient({ ways: [way(ask)] }, script).done
  assert.deepEqual(seen, [
    { name: 'a\\x1b]0;b\\x07', instruction: 'one\ntwo\\x1b[2J', prompts: [{ text: '\\u{202e}code: ', echo: true }] },
  ])
})

test('the password answers one hidden prompt, and forms that ask nothing', async () => {
  const { script, responses } = forms([form(hidden), form()], success)
  await runClient({ ways: [way('secret')] }, script).done
  assert.deepEqual(responses, [['secret'], []])
})

for (const [what, all] of Object.entries({
  'a shown prompt': [form(code)],
  'two prompts': [form(hidden, hidden)],
  'a second form': [form(hidden), form(hidden)],
})) {
  test(`the password does not answer ${what}, and the error says what was asked`, async () => {
    const { script, responses } = forms(all, success)
    const { done } = runClient({ ways: [way('secret')] }, (request, payload) =>
      request?.method === 'none' ? [refuse] : script(request, payload),
    )
    await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION', /the peer asks '(Code|Password):'.*does not answer/))
    assert.equal(responses.length, all.length - 1)
  })
}

test('a person may fail twice, not three times', async () => {
  const answers = ['a', 'b', 'c', 'd']
  const responses: (readonly string[])[] = []
  const { done } = runClient({ ways: [way(async () => [answers.shift() ?? ''])] }, (request, payload) => {
    if (request !== undefined) return [form(hidden)]
    responses.push(decodeInfoResponse(payload))
    return [refuse]
  })
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION', /keyboard-interactive: refused/))
  assert.deepEqual(responses, [['a'], ['b'], ['c']])
})

test('a peer without a form for the user is asked once', async () => {
  const { done, end } = runClient({ ways: [way(async () => [])] }, () => [refuse])
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION', /keyboard-interactive: refused/))
  assert.equal(end.requests().length, 1)
})

test('a peer that sends forms without end is cut', async () => {
  const { done, end } = runClient({ ways: [way('x')] }, () => [form()])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /INFO_REQUEST came more than 50 times/))
  assert.equal(end.sent.length, 2 + 50)
})

test('a second form before the first is answered is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [way(() => new Promise(() => {}))] }, () => [form(hidden), form(hidden)])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /message 60 came and nothing was asked/))
})

test('SUCCESS while a person still answers is a breach of the protocol', async () => {
  const { done, client } = runClient({ ways: [way(() => new Promise(() => {}))] }, () => [form(hidden), success])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /USERAUTH_SUCCESS came and nothing was asked/))
  assert.equal(client.succeeded, false)
})

test('a peer that never answers a form is given its limit, and the person’s time before is not its', async () => {
  const { done, end } = runClient({ ways: [way(async () => ['x'])] }, (request) => (request ? [form(hidden)] : []))
  await end.advance(limits.authentication - 1)
  assert.equal(end.waits.size, 1)
  await end.advance(1)
  await assert.rejects(done, failsWith('ERR_SSH_TIMEOUT', /the answer to the form did not come/))
})
