import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { goneFrom, numberedLists } from './named-code.js'

const root = new URL('../../../', import.meta.url)
const architecture = (): string => readFileSync(new URL('ARCHITECTURE.md', root), 'utf8')

test('every file and function that ARCHITECTURE.md names is there', () => {
  assert.match(architecture(), /`src\/[\w/-]+\.ts`/, 'it names no file at all')
  assert.deepEqual(goneFrom(architecture(), root), [])
})

test('no list of ARCHITECTURE.md opens a file twice', () => {
  for (const files of numberedLists(architecture())) assert.deepEqual(files, [...new Set(files)])
})

test('a named file that is gone is reported', () => {
  assert.deepEqual(goneFrom('read `src/errors.ts`, then `src/gone.ts` `connect`', root), ['src/gone.ts is gone'])
})

test('a named function that is gone is reported, and one that is only mentioned does not count', () => {
  const page = '`src/errors.ts` `asHoldfastError`, `HoldfastError.constructor()` and `HoldfastError.defineProperty`'
  assert.deepEqual(goneFrom(page, root), ['src/errors.ts: defineProperty is gone'])
})

test('backticks further on in the sentence are no functions', () => {
  assert.deepEqual(goneFrom('`src/errors.ts` holds the table, from which `stdout` takes nothing', root), [])
})

test('numbered lists are told apart', () => {
  const page = '1. `src/a.ts` `x`\n2. then `src/b.ts`\n\ntext\n\n1. `src/a.ts`\n'
  assert.deepEqual(numberedLists(page), [['src/a.ts', 'src/b.ts'], ['src/a.ts']])
})
