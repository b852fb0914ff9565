import assert from 'node:assert/strict'
import { HoldfastError } from 'holdfast'

/** For `assert.rejects` and `assert.throws`: a HoldfastError of this code whose message has all of these texts. */
export function failsWith(code: string, ...texts: readonly RegExp[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof HoldfastError, String(error))
    assert.equal(error.code, code, error.message)
    for (const text of texts) assert.match(error.message, text)
    return true
  }
}
