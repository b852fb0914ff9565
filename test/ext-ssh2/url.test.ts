import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUrl } from '#src/ext-ssh2/url.js'

/** What `parse_url()` of PHP 8.2 gives: user, password, host, port and path. */
const read: Readonly<Record<string, readonly unknown[]>> = {
  'u:p@h:22/a b': ['u', 'p', 'h', 22, '/a b'],
  'u:p@ss:w@h:2222/x': ['u', 'p@ss:w', 'h', 2222, '/x'],
  'u:p@@h/x': ['u', 'p@', 'h', 22, '/x'],
  'u@x:pw@h/x': ['u@x', 'pw', 'h', 22, '/x'],
  'u:p%40@h/a%20b': ['u', 'p%40', 'h', 22, '/a%20b'],
  'u:p@h:/x': ['u', 'p', 'h', 22, '/x'],
  'u:p@h:0/x': ['u', 'p', 'h', 22, '/x'],
  'u:p@h:65535/': ['u', 'p', 'h', 65535, '/'],
  'u@h/x': ['u', undefined, 'h', 22, '/x'],
  'h:2222/x:y/z@w': [undefined, undefined, 'h', 2222, '/x:y/z@w'],
  'u:p@h/x?y#z': ['u', 'p', 'h', 22, '/x'],
  'u:p@h/x#y?z': ['u', 'p', 'h', 22, '/x'],
  'u:p@h//bin/true': ['u', 'p', 'h', 22, '//bin/true'],
  'u:p@h/a\tb\n': ['u', 'p', 'h', 22, '/a_b_'],
  // PHP has the brackets in the name of the host, and finds none.
  'u:p@[::1]:2222/x': ['u', 'p', '::1', 2222, '/x'],
}

for (const [rest, expected] of Object.entries(read)) {
  test(`ssh2.exec://${JSON.stringify(rest).slice(1, -1)} is read as PHP reads it`, () => {
    const { username, password, host, port, path } = parseUrl(`ssh2.exec://${rest}`)
    assert.deepEqual([username, password, host, port, path], expected)
  })
}

const refused = [
  'u:p@h',
  'u:p@h:65536/x',
  'u:p@h:123456/x',
  'u:p/w@h:22/x',
  'u:p?w@h/x',
  'u:p#w@h/x',
  'u:p@/x',
  ':22/x',
]

for (const rest of refused) {
  test(`ssh2.exec://${rest} is none`, () => {
    assert.throws(() => parseUrl(`ssh2.exec://${rest}`), { code: 'ERR_SSH_OPTION' })
  })
}

test('a long URL takes no long time', () => {
  const long = 'a@:'.repeat(100_000)
  const before = performance.now()
  assert.throws(() => parseUrl(`ssh2.exec://${long}[/x`), { code: 'ERR_SSH_OPTION' })
  assert.ok(performance.now() - before < 20_000)
})
