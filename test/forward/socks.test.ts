import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { encodeSocksReply, readSocks } from '#src/forward/socks.js'

const bytes = (...parts: readonly (number | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'latin1'))))

const requests = [
  { what: 'SOCKS 5 by name', input: bytes(5, 1, 0, 3, 2, 'db', 0, 80), greeted: true, version: 5, host: 'db' },
  {
    what: 'SOCKS 5 by IPv4',
    input: bytes(5, 1, 0, 1, 10, 0, 0, 1, 0, 80),
    greeted: true,
    version: 5,
    host: '10.0.0.1',
  },
  {
    what: 'SOCKS 5 by IPv6',
    input: bytes(5, 1, 0, 4, 0xfe, 0x80, '\0'.repeat(13), 1, 0, 80),
    greeted: true,
    version: 5,
    host: 'fe80:0:0:0:0:0:0:1',
  },
  { what: 'SOCKS 4', input: bytes(4, 1, 0, 80, 10, 0, 0, 1, 'me', 0), greeted: false, version: 4, host: '10.0.0.1' },
  { what: 'SOCKS 4a', input: bytes(4, 1, 0, 80, 0, 0, 0, 9, 'me', 0, 'db', 0), greeted: false, version: 4, host: 'db' },
] as const

for (const { what, input, greeted, version, host } of requests) {
  test(`a request of ${what} is read once it is whole, and what follows it is left`, () => {
    for (let length = 0; length < input.length; length++) {
      assert.equal(readSocks(input.subarray(0, length), greeted), undefined, `${length} bytes`)
    }
    const expected = { type: 'request', version, to: { host, port: 80 }, used: input.length }
    assert.deepEqual(readSocks(bytes(input.toString('latin1'), 'GET'), greeted), expected)
  })
}

test('a greeting is answered where it offers to go without authentication', () => {
  assert.equal(readSocks(bytes(5), false), undefined)
  assert.deepEqual(readSocks(bytes(5, 2, 2, 0), false), { type: 'answer', bytes: bytes(5, 0), used: 4 })
})

const refusals = [
  { what: 'HTTP', input: bytes('GET / HTTP/1.1'), greeted: false, answer: bytes() },
  { what: 'SOCKS 5 with a password alone', input: bytes(5, 1, 2), greeted: false, answer: bytes(5, 0xff) },
  {
    what: 'BIND',
    input: bytes(5, 2, 0, 1, 1, 2, 3, 4, 0, 80),
    greeted: true,
    answer: bytes(5, 7, 0, 1, '\0'.repeat(6)),
  },
  { what: 'an unknown type', input: bytes(5, 1, 0, 9, 1), greeted: true, answer: bytes(5, 8, 0, 1, '\0'.repeat(6)) },
  {
    what: 'a name with a line end',
    input: bytes(5, 1, 0, 3, 2, 'a\n', 0, 80),
    greeted: true,
    answer: encodeSocksReply(5, 'failed'),
  },
  { what: 'an empty name', input: bytes(5, 1, 0, 3, 0, 0, 80), greeted: true, answer: encodeSocksReply(5, 'failed') },
  { what: 'port 0', input: bytes(5, 1, 0, 3, 1, 'a', 0, 0), greeted: true, answer: encodeSocksReply(5, 'failed') },
  { what: 'another version in the middle', input: bytes(4, 1, 0, 80, 1, 2, 3, 4, 0), greeted: true, answer: bytes() },
  {
    what: 'a user id without end',
    input: bytes(4, 1, 0, 80, 1, 2, 3, 4, 'x'.repeat(300)),
    greeted: false,
    answer: encodeSocksReply(4, 'failed'),
  },
  {
    what: 'a name without end',
    input: bytes(4, 1, 0, 80, 0, 0, 0, 1, 0, 'x'.repeat(300)),
    greeted: false,
    answer: encodeSocksReply(4, 'failed'),
  },
]

for (const { what, input, greeted, answer } of refusals) {
  test(`${what} is refused`, () => {
    const step = readSocks(input, greeted)
    assert.ok(step?.type === 'refusal')
    assert.deepEqual([step.bytes, step.error.code], [answer, 'ERR_SSH_SOCKS'])
  })
}

test('no bytes make it throw, or wait for more than a request can have', () => {
  const first = fc.constantFrom(4, 5)
  const rest = fc.uint8Array({ minLength: 600, maxLength: 700 })
  const property = fc.property(first, rest, fc.boolean(), (version, tail, greeted) => {
    assert.notEqual(readSocks(Buffer.from([version, ...tail]), greeted), undefined)
  })
  fc.assert(property)
})
