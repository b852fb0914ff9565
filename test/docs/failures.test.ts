import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/failures.md', root), 'utf8')

test('every row of the lab has its section in the page of failures, and every section its row', () => {
  const files = readdirSync(new URL('test/lab/rows/', root)).filter((name) => name.endsWith('.test.ts'))
  assert.deepEqual(
    [...page.matchAll(/^### (\d+)\. /gm)].map(([, number]) => Number(number)),
    files.map((name) => Number.parseInt(name, 10)).toSorted((a, b) => a - b),
  )
})

test('every cell of the page of failures was measured', () => {
  assert.doesNotMatch(page, /not measured|measuring failed/)
})

test('the page of failures has its pictures, and no others are there', () => {
  const shown = [...page.matchAll(/\]\(failures\/(row-\d+\.svg)\)/g)].map(([, name]) => name)
  assert.deepEqual(new Set(shown), new Set(readdirSync(new URL('docs/failures/', root))))
})
