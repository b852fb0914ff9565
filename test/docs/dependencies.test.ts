import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')

function runtimeDependencies(): Record<string, string> {
  // The shape of a package.json; a missing field would fail the tests below.
  return (JSON.parse(read('package.json')) as { dependencies: Record<string, string> }).dependencies
}

test('each runtime dependency has a row that says why it is there, and no row is left over', () => {
  const rows = read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \| (.+) \|$/gm)
  const documented = [...rows].map(([, name = '']) => name)
  assert.deepEqual(documented.toSorted(), Object.keys(runtimeDependencies()).toSorted())
})

test('each runtime dependency is pinned to one version', () => {
  for (const [name, version] of Object.entries(runtimeDependencies())) assert.match(version, /^\d+\.\d+\.\d+$/, name)
})
