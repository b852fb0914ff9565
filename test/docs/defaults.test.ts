import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { defaultLimits } from '#src/client/limits.js'
import { parseDuration } from '#src/liveness/duration.js'
import { defaultKeepalive, silenceBound } from '#src/liveness/settings.js'

const page = readFileSync(new URL('../../../docs/defaults.md', import.meta.url), 'utf8')

/** The default and the reason that the page gives for an option. */
function rowOf(name: string): { readonly value: string; readonly why: string } {
  const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
  assert.ok(row, `docs/defaults.md has no row for ${name}`)
  const [, , value = '', why = ''] = row.split('|').map((cell) => cell.trim())
  return { value: value.replace(/[`']/g, ''), why }
}

for (const [name, limit] of Object.entries(defaultLimits)) {
  test(`docs/defaults.md tells the limit ${name} and why it is so`, () => {
    const { value, why } = rowOf(name)
    assert.equal(value === 'none' ? false : parseDuration(value, name), limit)
    assert.ok(why.length > 0)
  })
}

test('docs/defaults.md tells the keepalive as it is', () => {
  const { interval, countMax, wantReply, tcp } = defaultKeepalive
  assert.equal(parseDuration(rowOf('keepalive.interval').value, 'interval'), interval)
  assert.equal(rowOf('keepalive.countMax').value, String(countMax))
  assert.equal(rowOf('keepalive.wantReply').value, String(wantReply))
  assert.equal(rowOf('keepalive.tcp').value === 'true', tcp)
  assert.equal(silenceBound(defaultKeepalive), 60_000)
})
