import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { type PolicyDocument, parsePolicy } from '#src/client/policy/document.js'
import { JsonError, parseJson, plainValue } from '#src/client/policy/json.js'
import { policyOptions } from '#src/client/policy/options.js'

const file = '/etc/holdfast/policy.json'

function refusal(text: string): string {
  try {
    parsePolicy(text, file)
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error))
    assert.equal(error.code, 'ERR_SSH_POLICY')
    return error.message
  }
  return 'no refusal'
}

function values({ rules }: PolicyDocument, section: 'defaults' | 'enforced') {
  return rules.map((rule) => Object.fromEntries([...rule[section]].map(([path, { value }]) => [path, value])))
}

test('a policy is read for all hosts and by pattern, durations as milliseconds', () => {
  const document = parsePolicy(
    `{
      "$schema": "anything",
      "defaults": { "keepalive": { "interval": "5s", "tcp": { "idle": "1m", "count": 3 } } },
      "enforced": { "limits": { "timeout": "10m", "idleTimeout": 60000 } },
      "hosts": [
        { "match": "*.example.com", "enforced": { "socket": { "localAddress": "10.0.0.5" } } },
        { "match": ["*", "!db"], "defaults": { "keepalive": false } }
      ]
    }`,
    file,
  )
  assert.deepEqual(
    document.rules.map(({ match }) => match),
    [undefined, ['*.example.com'], ['*', '!db']],
  )
  assert.deepEqual(values(document, 'defaults'), [
    { 'keepalive.interval': 5000, 'keepalive.tcp': { idle: 60_000, count: 3 } },
    {},
    { 'keepalive.interval': false, 'keepalive.tcp': false },
  ])
  assert.deepEqual(values(document, 'enforced'), [
    { 'limits.timeout': 600_000, 'limits.idleTimeout': 60_000 },
    { 'socket.localAddress': '10.0.0.5' },
    {},
  ])
  assert.equal(document.rules[0]?.enforced.get('limits.timeout')?.source, `${file}:4`)
})

for (const [what, text, words] of [
  [
    'a name that another has',
    '{\n "enforced": {\n  "limits": { "commandTimeout": "1m" }\n }\n}',
    `${file}:3: enforced.limits.commandTimeout is no option that a policy can set; did you mean 'limits.timeout'?`,
  ],
  ['a misspelt name', '{"defaults":{"limits":{"idelTimeout":"1m"}}}', "did you mean 'limits.idleTimeout'?"],
  ['a misspelt group', '{"defaults":{"keepalve":{}}}', "did you mean 'keepalive'?"],
  [
    'an option without its group',
    '{"defaults":{"interval":"1m"}}',
    "defaults.interval is no option that a policy can set; did you mean 'keepalive.interval'?",
  ],
  ['an option in the wrong group', '{"defaults":{"socket":{"interval":"1m"}}}', "did you mean 'keepalive.interval'?"],
  ['a misspelt section', '{"enforce":{}}', "there is no enforce in a policy; did you mean 'enforced'?"],
  ['a secret', '{"defaults":{"password":"hunter2"}}', 'defaults.password is no option that a policy can set'],
  [
    'a wish to go on all the same',
    '{"onError":"ignore"}',
    'there is no onError in a policy; a policy that cannot be applied is always an error',
  ],
  ['no duration', '{"defaults":{"limits":{"timeout":"5 min"}}}', 'defaults.limits.timeout must be a duration'],
  ['a limit of zero', '{"enforced":{"limits":{"timeout":0}}}', 'enforced.limits.timeout must be a duration'],
  [
    'no limit where there has to be one',
    '{"defaults":{"limits":{"connect":false}}}',
    'defaults.limits.connect must be a duration',
  ],
  [
    'an enforced loosest value',
    '{"enforced":{"limits":{"timeout":false}}}',
    'enforced.limits.timeout enforces nothing by that value',
  ],
  [
    'an enforced keepalive that is off',
    '{"enforced":{"keepalive":false}}',
    'enforced.keepalive.interval enforces nothing',
  ],
  [
    'enforced trust in anybody',
    '{"enforced":{"hostKey":{"policy":"off"}}}',
    'enforced.hostKey.policy enforces nothing',
  ],
  [
    'an interval below a second',
    '{"enforced":{"keepalive":{"interval":15}}}',
    "enforced.keepalive.interval must be at least '1s'",
  ],
  [
    'no address',
    '{"enforced":{"socket":{"localAddress":"eth0"}}}',
    'enforced.socket.localAddress must be an IP address',
  ],
  [
    'an unknown algorithm',
    '{"enforced":{"algorithms":{"cipher":["aes256-gmc@openssh.com"]}}}',
    "did you mean 'aes256-gcm@openssh.com'?",
  ],
  ['an empty list', '{"enforced":{"algorithms":{"cipher":[]}}}', 'must be a list, and not an empty one'],
  ['a relative path', '{"enforced":{"hostKey":{"knownHosts":["known_hosts"]}}}', 'must hold absolute paths'],
  ['a field of SO_KEEPALIVE that is none', '{"defaults":{"keepalive":{"tcp":{"idel":"1m"}}}}', "did you mean 'idle'?"],
  [
    'a kernel value of less than a second',
    '{"defaults":{"keepalive":{"tcp":{"idle":"10ms"}}}}',
    'defaults.keepalive.tcp has idle or interval shorter than 1s',
  ],
  ['a group that is no object', '{"defaults":{"limits":"1m"}}', 'defaults.limits must be an object'],
  ['a rule for nobody', '{"hosts":[{"enforced":{}}]}', 'hosts[0].match must be a pattern, or a list of patterns'],
  [
    'a rule that only excludes',
    '{"hosts":[{"match":["!db"]}]}',
    "hosts[0].match only excludes: begin the list with '*'",
  ],
  ['patterns in one text', '{"hosts":[{"match":"a,b"}]}', 'hosts[0].match has a pattern that is no host name'],
  ['hosts by name', '{"hosts":{"db":{}}}', 'hosts must be a list of objects, each with match'],
  ['a list', '[]', `${file}:1: the policy must be an object`],
  ['a name twice', '{\n"enforced":{},\n"enforced":{}}', `${file}:3 is no JSON: this name stands twice in one object`],
  ['nothing', ' \n', 'is no JSON: it is empty'],
  ['a comment', '{\n// why\n}', `${file}:2 is no JSON: `],
  ['a comma too much', '{"defaults":{},\n}', 'is no JSON: the comma before } is too much'],
  ['an end too early', '{"defaults":', 'is no JSON: it ends too early'],
  ['two texts', '{}{}', 'is no JSON: something follows behind the end'],
  ['a text over two lines', '{"a\nb":1}', 'is no JSON: a string that begins here is not closed in its line'],
  ['a nest', '['.repeat(100_000), 'is no JSON: it is nested more than 32 deep'],
] as const) {
  test(`${what} is refused, with its place and what was meant`, () => {
    const message = refusal(text)
    assert.ok(message.includes(words), message)
    assert.ok(message.includes(`${file}:`), message)
    assert.ok(!message.includes('hunter2'))
  })
}

function wrong(count: number): string {
  const limits = Array.from({ length: count }, (_, index) => `"x${index}":1`)
  return refusal(`{"defaults":{"limits":{${limits.join(',\n')}}}}`)
}

test('what is wrong is told all at once, up to ten', () => {
  assert.equal(wrong(3).match(/policy\.json:\d: /g)?.length, 3)
  assert.match(wrong(12), /; and 2 more$/)
})

test('a name of any length is looked at at once, and no control character of it is shown', () => {
  const since = performance.now()
  const message = refusal(`{"defaults":{"limits":{"${'a'.repeat(500_000)}":1},"\\u001b[31m":1}}`)
  assert.ok(performance.now() - since < 5000)
  // oxlint-disable-next-line eslint/no-control-regex -- which is what must not be there
  assert.doesNotMatch(message, /[\x00-\x1f]/)
  assert.ok(message.length < 2000)
})

test('no name of a policy gets into a prototype', () => {
  for (const text of [
    '{"__proto__":{"enforced":{}}}',
    '{"defaults":{"__proto__":{"interval":1}}}',
    '{"defaults":{"limits":{"__proto__":1,"constructor":1}}}',
    '{"defaults":{"keepalive":{"tcp":{"__proto__":{"idle":1}}}}}',
  ]) {
    assert.match(refusal(text), /__proto__|has idle, interval and count alone/)
  }
  assert.equal(Reflect.get({}, 'interval'), undefined)
  const read: unknown = plainValue(parseJson('{"__proto__":{"polluted":true}}'))
  assert.deepEqual(Object.keys(read as object), ['__proto__'])
  assert.equal(Reflect.get(read as object, 'polluted'), undefined)
})

test('the reader takes what JSON.parse takes, and refuses what it refuses', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      // A name twice is refused here; JSON.parse takes the last.
      assert.deepEqual(plainValue(parseJson(text)), JSON.parse(text))
    }),
  )
  const broken = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('"', '{', ']', ',', '\\', '0', 'x', '\n', '\u0001', ''))
  fc.assert(
    fc.property(broken, ([text, at, inserted]) => {
      const place = at % (text.length + 1)
      const changed = text.slice(0, place) + inserted + text.slice(place + (inserted === '' ? 1 : 0))
      let expected: unknown
      try {
        expected = JSON.parse(changed)
      } catch {
        assert.throws(() => parseJson(changed), JsonError)
        return
      }
      try {
        assert.deepEqual(plainValue(parseJson(changed)), expected)
      } catch (error) {
        assert.ok(error instanceof JsonError && /twice/.test(error.message), `${changed}: ${String(error)}`)
      }
    }),
    { numRuns: 2000 },
  )
})

test('any tree is read or refused by name, and by nothing else', () => {
  const names = ['defaults', 'enforced', 'hosts', 'match', ...policyOptions.flatMap(({ group, name }) => [group, name])]
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(true, false, null, 0, 1, 15, 1e300, -1, '15s', '*', '!a', 'off', ''),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), tie('node'), { maxKeys: 5 }),
    ),
  })).node
  fc.assert(
    fc.property(tree, (value) => {
      const message = refusal(JSON.stringify(value))
      if (message !== 'no refusal') assert.match(message, /^the policy /)
    }),
  )
})
