// The lint itself is tested: each file in fixtures/ must fail with just the rules that its first line names.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = 'test/lint/fixtures'
const fixtures = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(path.sep).join('/'))

function runNode(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 60_000 })
}

function oxlintFindings(): Map<string, Set<string>> {
  const { stdout, stderr } = runNode('node_modules/oxlint/bin/oxlint', '--type-aware', '--format=unix', folder)
  const found = new Map<string, Set<string>>()
  for (const match of stdout.matchAll(/^(.+?):\d+:\d+: .* \[Error\/(.+)\]$/gm)) {
    const [, file = '', rule = ''] = match
    const name = path.posix.relative(folder, file.split(path.sep).join('/'))
    found.set(name, (found.get(name) ?? new Set()).add(rule))
  }
  assert.ok(found.size > 0, `oxlint found nothing at all: ${stdout}${stderr}`)
  return found
}

test('each fixture fails with the rules that it names, and with no other', () => {
  const found = oxlintFindings()
  for (const file of fixtures) {
    const [firstLine = ''] = readFileSync(path.join(root, folder, file), 'utf8').split('\n')
    const expected = firstLine.match(/\w+\([\w-]+\)/g) ?? []
    assert.deepEqual([...(found.get(file) ?? [])].toSorted(), expected.toSorted(), file)
  }
})

test('an import of a layer below fails', () => {
  const { status, stderr } = runNode('scripts/lint-layers.mjs', `${folder}/src`)
  assert.equal(status, 1)
  assert.deepEqual(stderr.trim().split('\n'), [
    'wire/imports-client.ts:2: imports ../session/explicit-any.js: session is a layer below wire',
  ])
})

test('the formatter still has our style', () => {
  const biome = ['node_modules/@biomejs/biome/bin/biome', 'format', '--stdin-file-path=src/example.ts']
  const { stdout } = spawnSync(process.execPath, biome, { cwd: root, encoding: 'utf8', input: 'let a = [ "b" ];' })
  assert.equal(stdout, "let a = ['b']\n")
})
