import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { parsePolicy } from '#src/client/policy/document.js'
import { policyOptions, type Tighter } from '#src/client/policy/options.js'
import { errorTable } from '#src/error-table.js'

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')

const words: Readonly<Record<Tighter, string>> = {
  shorter: 'make shorter',
  fewer: 'make less',
  on: 'leave on',
  stricter: 'make stricter: `strict` over `accept-new` over `off`',
  subset: 'cut down',
  fixed: 'leave: *fixed*',
}

test('docs/policy.md has a row for every option that a policy can set, with its variable and which way is tighter', () => {
  const rows = [...read('docs/policy.md').matchAll(/^\| `([\w.]+)` \| HOLDFAST_.*$/gm)].map(([row]) => row)
  const expected = policyOptions.map(
    ({ path, variable, tighter }) => `| \`${path}\` | ${variable} | ${words[tighter]} |`,
  )
  assert.deepEqual(rows, expected)
})

for (const page of ['docs/policy.md', 'docs/administrators.md']) {
  test(`each policy that stands in ${page} can be used, and its errors exist`, () => {
    const text = read(page)
    const policies = [...text.matchAll(/^(?:```json|cat > .*\.json <<'END')\n(.*?)^(?:```|END)$/gms)].map(
      ([, body = '']) => body,
    )
    assert.ok(policies.length > 0)
    for (const policy of policies) assert.ok(parsePolicy(policy, page).rules.length > 0)
    const named = [...text.matchAll(/`(ERR_SSH_\w+)`/g)].map(([, code = '']) => code)
    assert.ok(named.length > 0)
    for (const code of named) assert.ok(Object.hasOwn(errorTable, code), code)
  })
}

test('the error that docs/policy.md shows is the one that comes', () => {
  const text = '{\n  "enforced": {\n    "limits": {\n      "commandTimeout": "1m" } } }'
  assert.throws(
    () => parsePolicy(text, '/etc/holdfast/policy.json'),
    (error) => error instanceof HoldfastError && read('docs/policy.md').includes(`\n${error.message}\n`),
  )
})
