import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, HoldfastError } from 'holdfast'
import { isCrowded, isLasting } from '#src/client/reconnect/lasting.js'
import { errorTable } from '#src/error-table.js'

function failure(code: ErrorCode, details: ConstructorParameters<typeof HoldfastError>[2] = {}): HoldfastError {
  return new HoldfastError(code, 'failed', details)
}

const passing: readonly ErrorCode[] = [
  'ERR_SSH_DNS',
  'ERR_SSH_CONNECT',
  'ERR_SSH_TIMEOUT',
  'ERR_SSH_PEER_DEAD',
  'ERR_SSH_CONNECTION_LOST',
  'ERR_SSH_DISCONNECTED',
  'ERR_SSH_IDENTIFICATION',
  'ERR_SSH_PROTOCOL',
  'ERR_SSH_CHANNEL_OPEN',
]

for (const code of passing) test(`${code} may be gone the next time`, () => assert.ok(!isLasting(failure(code))))

test('whatever says that the host is another, or that we are not wanted, lasts', () => {
  const codes = Object.keys(errorTable).filter((code): code is ErrorCode => /HOST_KEY|AUTHENTICATION/.test(code))
  assert.equal(codes.length, 6)
  for (const code of [...codes, 'ERR_SSH_ABORTED', 'ERR_SSH_OPTION', 'ERR_SSH_NEGOTIATION'] as const)
    assert.ok(isLasting(failure(code)), code)
})

test('a person who did not answer is not asked again', () => {
  assert.ok(isLasting(failure('ERR_SSH_TIMEOUT', { limit: 'prompt' })))
  assert.ok(!isLasting(failure('ERR_SSH_TIMEOUT', { limit: 'authentication' })))
})

test('of a goodbye it is the reason that counts', () => {
  const lasting = Array.from({ length: 16 }, (_, reason) => reason).filter((disconnectReason) =>
    isLasting(failure('ERR_SSH_DISCONNECTED', { disconnectReason })),
  )
  assert.deepEqual(lasting, [1, 8, 9, 13, 14, 15])
  assert.ok(isCrowded(failure('ERR_SSH_DISCONNECTED', { disconnectReason: 12 })))
  assert.ok(!isCrowded(failure('ERR_SSH_DISCONNECTED', { disconnectReason: 11 })))
})
