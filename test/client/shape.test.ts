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
