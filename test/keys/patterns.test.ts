import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { matchesPattern, matchesPatternList } from '#src/keys/patterns.js'

test('patterns match as ssh_config(5) says', () => {
  const cases: readonly [string, string, boolean][] = [
    ['host', 'host', true],
    ['host', 'hos', false],
    ['host', 'h*t', true],
    ['host', '*', true],
    ['', '*', true],
    ['', '?', false],
    ['10.0.0.5', '10.0.0.?', true],
    ['10.0.0.55', '10.0.0.?', false],
    ['a.b.c', '*.c', true],
    ['host', 'host**', true],
    ['host.', 'host', false],
  ]
  for (const [text, pattern, expected] of cases)
    assert.equal(matchesPattern(text, pattern), expected, `${text} ${pattern}`)
})

test('they agree with the regular expression that says the same', () => {
  const word = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 12 }).map((parts) => parts.join(''))
  const pattern = fc.array(fc.constantFrom('a', 'b', '.', '*', '?'), { maxLength: 8 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(word, pattern, (text, wanted) => {
      const source = wanted.replace(/\./g, '\\.').replace(/\*+/g, '.*').replace(/\?/g, '.')
      assert.equal(matchesPattern(text, wanted), new RegExp(`^${source}$`).test(text))
    }),
    { numRuns: 2000 },
  )
})

test('many stars cost no more than few', () => {
  assert.equal(matchesPattern('a'.repeat(2000), `${'*a'.repeat(500)}b`), false)
})

test('a refusal in a list wins wherever it stands', () => {
  assert.ok(matchesPatternList('db1.example.com', ['*.example.com', '!db2.*']))
  assert.ok(!matchesPatternList('db2.example.com', ['*.example.com', '!db2.*']))
  assert.ok(!matchesPatternList('db2.example.com', ['!db2.*', '*.example.com']))
  assert.ok(!matchesPatternList('other', ['!db2.*']))
})
