import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { checkShape } from '#src/client/shape.js'
import { parseTarget } from '#src/client/target.js'
import { parseDuration } from '#src/liveness/duration.js'

/** Runs something that may refuse by ERR_SSH_OPTION and nothing else. @returns the words of the refusal */
function refusal(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error))
    assert.equal(error.code, 'ERR_SSH_OPTION')
    return error.message
  }
}

const names = [
  'host',
  'port',
  'password',
  'privateKey',
  'agent',
  'hostKey',
  'algorithms',
  'keepalive',
  'limits',
  'socket',
  'rekey',
]

test('options of any shape are taken, or refused by name', () => {
  const values = fc.anything({
    withNullPrototype: true,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
  })
  const options = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), values)
  fc.assert(
    fc.property(options, (given) => {
      const words = refusal(() => checkShape(given))
      if (words !== undefined) assert.match(words, /^options: /)
    }),
  )
})

test('no refusal of options shows a value: it could be a secret in the wrong place', () => {
  const secret = 'hunter2hunter2'
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.constantFrom(secret, [secret], { deep: secret }), (name, value) => {
      const words = refusal(() => checkShape({ [name]: value }))
      assert.ok(!words?.includes(secret), words)
    }),
  )
})

const refusals: readonly (readonly [options: object, words: string])[] = [
  [{ port: '22' }, 'port must be a whole number from 1 to 65535'],
  [{ port: 65_536 }, 'port must be a whole number from 1 to 65535'],
  [{ username: '' }, 'username must be a string, and not an empty one'],
  [{ password: 5 }, 'password must be a string'],
  [{ privateKey: 5 }, 'privateKey must be a string or a Buffer'],
  [{ identityFiles: 'id' }, 'identityFiles must be a list'],
  [{ identityFiles: ['id', ''] }, 'identityFiles.1 must be a string, and not an empty one'],
  [{ identityFiles: Array(1) }, 'identityFiles.0 must be a string, and not an empty one'],
  [{ hostKey: null }, 'hostKey must be an object'],
  [{ hostKey: [] }, 'hostKey must be an object'],
  [{ hostKey: { policy: 'no' } }, 'hostKey.policy must be one of strict, accept-new, off'],
  [{ hostKey: { fingerprints: ['MD5:00'] } }, 'hostKey.fingerprints.0 must look like SHA256:…'],
  [{ keepalive: true }, 'keepalive must be false or an object'],
  [
    { keepalive: { interval: true, countMax: '3' } },
    "keepalive.interval must be a duration: milliseconds, or a string such as '15s'; or false; " +
      'keepalive.countMax must be a number',
  ],
  [{ keepalive: { tcp: 5 } }, 'keepalive.tcp must be true, false or an object'],
  [{ keepalive: { tcp: { idel: 5 } } }, "there is no option keepalive.tcp.idel; did you mean 'idle'?"],
  [{ limits: { connect: Number.NaN } }, "limits.connect must be a duration: milliseconds, or a string such as '15s'"],
  [
    { limits: { conect: 5 }, prot: 1 },
    "there is no option limits.conect; did you mean 'connect'?; there is no option prot; did you mean 'port'?",
  ],
  [
    { socket: { family: 5, attempts: 0 } },
    'socket.family must be one of 4, 6; socket.attempts must be a whole number, at least 1',
  ],
  [{ sessionsAhead: 11 }, 'sessionsAhead must be a whole number from 0 to 10'],
  [{ reconnect: { maxAttempts: 0.5 } }, 'reconnect.maxAttempts must be a whole number, at least 1, or false'],
  [{ signal: {} }, 'signal must be an AbortSignal'],
  [{ constructor: 5 }, 'there is no option constructor'],
  [Object.create({ port: '22' }) as object, 'port must be a whole number from 1 to 65535'],
  [Object.create({ prot: 22 }) as object, "there is no option prot; did you mean 'port'?"],
  [[], 'must be an object'],
]

for (const [options, words] of refusals) {
  test(`options are refused: ${words}`, () => {
    assert.equal(
      refusal(() => checkShape(options)),
      `options: ${words}`,
    )
  })
}

test('what is undefined was not given', () => {
  assert.equal(
    refusal(() => checkShape({ port: undefined, hostKey: { alias: undefined } })),
    undefined,
  )
})

test('a target of any text is read, or refused without being shown', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 8 }), (text) => {
      const words = refusal(() => parseTarget(`user:${text}@[`))
      assert.ok(words !== undefined && !words.includes(text), words)
    }),
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void refusal(() => parseTarget(text))))
})

test('what is read of a target has a host without white space, and a port in digits', () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9._@:[\]-]{1,20}$/)
  fc.assert(
    fc.property(fc.tuple(part, part, part), (parts) => {
      refusal(() => {
        const { host, port = 22 } = parseTarget(parts.join(':'))
        assert.doesNotMatch(host, /\s/)
        assert.ok(Number.isInteger(port))
      })
    }),
  )
})

test('a duration of any kind is a number from 1 on, or refused by the name of its field', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.double(), fc.string(), fc.stringMatching(/^\d{1,400}(ms|s|m|h)$/)),
      (value) => {
        const words = refusal(() => {
          const duration = parseDuration(value, 'limits.connect')
          assert.ok(duration >= 1 && Number.isFinite(duration))
        })
        if (words !== undefined) assert.match(words, /^limits\.connect: /)
      },
    ),
  )
})
