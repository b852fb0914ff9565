import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'

test('an error carries its code, its details and the hint of its code', () => {
  const cause = new Error('socket hang up')
  const error = new HoldfastError('ERR_SSH_CONNECTION_LOST', 'the connection was lost', { phase: 'ready', cause })
  assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
  assert.equal(error.phase, 'ready')
  assert.equal(error.cause, cause)
  assert.match(error.hint, /operating system/)
  assert.ok(error instanceof HoldfastError)
  assert.ok(!(cause instanceof HoldfastError))
})

test('an abort has the name that Node gives to aborts', () => {
  assert.equal(new HoldfastError('ERR_SSH_ABORTED', 'aborted').name, 'AbortError')
})
