// The published schema against the reader of policies: an editor must not call wrong what works, nor right what fails.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { parsePolicy } from '#src/client/policy/document.js'
import { policyOptions } from '#src/client/policy/options.js'

type Schema = Readonly<Record<string, unknown>>

const root = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('holdfast/policy.schema.json'), 'utf8'),
) as Schema

/** The keywords that this schema has, and no others. */
const keywords: Readonly<Record<string, (value: unknown, wanted: unknown, schema: Schema) => boolean>> = {
  $ref: (value, wanted) => isValid(value, defined(String(wanted))),
  type: (value, wanted) => isOfType(value, String(wanted)),
  const: (value, wanted) => value === wanted,
  enum: (value, wanted) => (wanted as unknown[]).includes(value),
  anyOf: (value, wanted) => (wanted as Schema[]).some((schema) => isValid(value, schema)),
  minimum: (value, wanted) => typeof value !== 'number' || value >= Number(wanted),
  pattern: (value, wanted) => typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value),
  minItems: (value, wanted) => !Array.isArray(value) || value.length >= Number(wanted),
  items: (value, wanted) => !Array.isArray(value) || value.every((item) => isValid(item, wanted as Schema)),
  required: (value, wanted) => !isObject(value) || (wanted as string[]).every((name) => Object.hasOwn(value, name)),
  properties: (value, wanted) =>
    !isObject(value) ||
    Object.entries(wanted as Record<string, Schema>).every(
      ([name, schema]) => !Object.hasOwn(value, name) || isValid(value[name], schema),
    ),
  additionalProperties: (value, _, { properties }) =>
    !isObject(value) || Object.keys(value).every((name) => Object.hasOwn(properties as object, name)),
}
const remarks = ['$schema', '$defs', 'title', 'description']

function isValid(value: unknown, schema: Schema): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    if (remarks.includes(keyword)) return true
    const check = keywords[keyword]
    assert.ok(check, `the test knows no ${keyword}`)
    return check(value, wanted, schema)
  })
}

function defined(reference: string): Schema {
  const found = (root['$defs'] as Record<string, Schema>)[reference.replace('#/$defs/', '')]
  assert.ok(found, reference)
  return found
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'array') return Array.isArray(value)
  return type === 'object' ? isObject(value) : typeof value === type
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isRead(value: unknown): boolean {
  try {
    parsePolicy(JSON.stringify(value), '/policy.json')
    return true
  } catch (error) {
    assert.ok(error instanceof HoldfastError)
    return false
  }
}

const values = [
  ...[
    true,
    false,
    null,
    0,
    1,
    3,
    4,
    6,
    15,
    1000,
    60_000,
    '15s',
    '15',
    '1ms',
    '0s',
    '1500ms',
    'off',
    'strict',
    '10.0.0.5',
    '::1',
    {},
    [],
  ],
  ...[['aes256-ctr'], ['aes256-ctr', 'x'], ['ssh-ed25519'], ['curve25519-sha256'], ['hmac-sha2-256']],
  ...[
    { idle: '1m', count: 3 },
    { idel: '1m' },
    { count: 0 },
    [`SHA256:${'a'.repeat(43)}`],
    ['SHA256:a'],
    ['/a', '~/b'],
  ],
] as const

for (const { path, group, name } of policyOptions) {
  test(`the schema takes of ${path} what a policy can have, and nothing else`, () => {
    for (const section of ['defaults', 'enforced']) {
      for (const value of values) {
        const policy = { [section]: { [group]: { [name]: value } } }
        assert.equal(isValid(policy, root), isRead(policy), JSON.stringify(policy))
      }
      const good = values.filter((value) => isRead({ [section]: { [group]: { [name]: value } } }))
      assert.ok(good.length > 0, `${section}.${path} takes nothing`)
    }
  })
}

function rule(match: unknown): object {
  return { hosts: [{ match, enforced: { limits: { timeout: '1m' } } }] }
}

test('the schema takes the form that a policy has, and no other', () => {
  const forms = [
    ...[{}, [], 1, { $schema: 'x' }, { defaults: { keepalive: false } }, { enforced: { keepalive: false } }],
    ...[
      { enforce: {} },
      { defaults: { limit: {} } },
      { defaults: { limits: { x: 1 } } },
      { hosts: {} },
      { hosts: [{}] },
    ],
    ...[rule('*'), rule(['*.example.com', '!db']), rule([]), rule('a b'), rule('a,b'), rule(1)],
  ]
  for (const form of forms) assert.equal(isValid(form, root), isRead(form), JSON.stringify(form))
  const names = ['defaults', 'enforced', 'keepalive', 'limits', 'interval', 'timeout', 'hosts', 'match', 'x']
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('*', '15s', 1000, true, false),
      fc.array(tie('node'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 3 }),
    ),
  })).node
  fc.assert(fc.property(tree, (policy) => assert.equal(isValid(policy, root), isRead(policy))))
})
