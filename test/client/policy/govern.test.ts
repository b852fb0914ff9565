import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as fc from 'fast-check'
import { type ConnectOptions, HoldfastError, type PolicyStats, setDefaults } from 'holdfast'
import type { Configured } from '#src/client/config/configured.js'
import { boundKeepalive } from '#src/client/policy/bounds.js'
import { parsePolicy } from '#src/client/policy/document.js'
import { readEnvironment, type Variables } from '#src/client/policy/environment.js'
import { govern, valueAt } from '#src/client/policy/govern.js'
import type { OptionValue } from '#src/client/policy/kinds.js'
import { policyOption, policyOptions } from '#src/client/policy/options.js'
import { policyStats } from '#src/client/policy/origins.js'
import type { Policy } from '#src/client/policy/policy.js'
import { gatherOptions, resolveSettings, type Settings } from '#src/client/settings.js'

function policyOf(documents: readonly object[], variables: Variables = {}): Policy {
  const parsed = documents.map((document, index) => parsePolicy(JSON.stringify(document), `/policy${index}.json`))
  return { documents: parsed, environment: readEnvironment(variables) }
}

/** What holds for a connection that is asked for so. */
function settings(asked: ConnectOptions, policy: Policy, configured: Partial<Configured> = {}): Settings {
  const options = gatherOptions({ host: 'db.example.com', ...asked })
  const plain = { options, named: undefined, env: undefined, spentMs: 0, ignored: [], ...configured }
  return resolveSettings(govern(plain, options, policy))
}

function origins(held: Settings): PolicyStats['options'] {
  return policyStats(held.policy, held.keepalive).options
}

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error))
    return `${error.code} ${error.message}`
  }
  return 'accepted'
}

function forThisTest(t: TestContext, defaults: Parameters<typeof setDefaults>[0]): void {
  setDefaults(defaults)
  t.after(() => setDefaults({}))
}

test('a stronger layer wins over a weaker one, and stats() says which', (t) => {
  const policy = policyOf(
    [
      { defaults: { limits: { tcp: '1s', dns: '1s', reply: '1s', sftp: '1s', rekey: '1s' } } },
      { defaults: { limits: { dns: '2s', reply: '2s', sftp: '2s', rekey: '2s' } } },
    ],
    { HOLDFAST_LIMITS_REPLY: '3s', HOLDFAST_LIMITS_SFTP: '3s', HOLDFAST_LIMITS_REKEY: '3s' },
  )
  forThisTest(t, { limits: { sftp: '4s', rekey: '4s' } })
  const held = settings({ limits: { rekey: '5s' } }, policy)
  const { connect, tcp, dns, reply, sftp, rekey } = held.limits
  assert.deepEqual([connect, tcp, dns, reply, sftp, rekey], [30_000, 1000, 2000, 3000, 4000, 5000])
  const options = origins(held)
  assert.deepEqual(options['limits.connect'], { value: 30_000, from: 'built-in' })
  assert.deepEqual(options['limits.tcp'], { value: 1000, from: 'defaults', source: '/policy0.json:1' })
  assert.deepEqual(options['limits.dns'], { value: 2000, from: 'defaults', source: '/policy1.json:1' })
  assert.deepEqual(options['limits.reply'], { value: 3000, from: 'environment', source: 'HOLDFAST_LIMITS_REPLY' })
  assert.deepEqual(options['limits.sftp'], { value: 4000, from: 'setDefaults', source: 'setDefaults()' })
  assert.deepEqual(options['limits.rekey'], { value: 5000, from: 'call' })
})

test('a program may name no file at all, and stats() shows that', () => {
  const held = settings({ hostKey: { knownHosts: [], policy: 'off' } }, policyOf([]))
  assert.deepEqual(origins(held)['hostKey.knownHosts'], { value: [], from: 'call' })
})

test('what a program may not loosen it may tighten, and stats() says what it wanted', () => {
  const policy = policyOf([
    { enforced: { limits: { timeout: '1m', reply: '5s', sftp: '20s' }, keepalive: { interval: '10s' } } },
  ])
  const loose = settings({ keepalive: false, limits: { timeout: false, reply: '1h' } }, policy)
  assert.deepEqual([loose.limits.timeout, loose.limits.reply, loose.limits.sftp], [60_000, 5000, 15_000])
  assert.deepEqual(loose.keepalive, { interval: 10_000, countMax: 3, wantReply: true, tcp: false })
  const source = '/policy0.json:1'
  assert.deepEqual(origins(loose)['keepalive.interval'], {
    value: 10_000,
    from: 'enforced',
    source,
    wanted: { value: false, from: 'call' },
    bound: { value: 10_000, source },
  })
  assert.deepEqual(origins(loose)['limits.sftp'], {
    value: 15_000,
    from: 'built-in',
    bound: { value: 20_000, source },
  })
  const tight = settings({ keepalive: { interval: '2s' }, limits: { timeout: '30s', reply: '1s' } }, policy)
  assert.deepEqual([tight.limits.timeout, tight.limits.reply, tight.keepalive.interval], [30_000, 1000, 2000])
  assert.equal(settings({ keepalive: { interval: 5 } }, policy).keepalive.interval, 1000)
})

test('neither environment nor setDefaults() loosens what is enforced', (t) => {
  forThisTest(t, { keepalive: false, limits: { idleTimeout: false } })
  const policy = policyOf(
    [{ enforced: { limits: { timeout: '1m', idleTimeout: '1m' }, keepalive: { interval: '10s', tcp: true } } }],
    {
      HOLDFAST_KEEPALIVE: 'false',
      HOLDFAST_LIMITS_TIMEOUT: 'false',
    },
  )
  const { limits, keepalive } = settings({}, policy)
  assert.deepEqual(
    [limits.timeout, limits.idleTimeout, keepalive.interval, keepalive.tcp],
    [60_000, 60_000, 10_000, true],
  )
})

/** What somebody may write for each option, from everywhere. */
const samples: Readonly<Record<string, readonly OptionValue[]>> = {
  'keepalive.interval': [false, 1, 1000, 5000, 3_600_000],
  'keepalive.countMax': [1, 3, 1_000_000],
  'keepalive.wantReply': [true, false],
  'keepalive.tcp': [true, false, { idle: 1000 }, { idle: 60_000, interval: 1000, count: 3 }],
  'rekey.bytes': [1000, 2 ** 30, 2 ** 50],
  'socket.localAddress': ['127.0.0.1', '::1'],
  'socket.family': [4, 6],
  'socket.attempts': [1, 5],
  'socket.noDelay': [true, false],
  'hostKey.policy': ['strict', 'accept-new', 'off'],
  'hostKey.knownHosts': [['/a'], ['/b', '/c']],
  'hostKey.fingerprints': [[`SHA256:${'a'.repeat(43)}`], [`SHA256:${'a'.repeat(43)}`, `SHA256:${'b'.repeat(43)}`]],
  'hostKey.update': [true, false],
  'algorithms.kex': [['curve25519-sha256'], ['curve25519-sha256', 'ecdh-sha2-nistp256']],
  'algorithms.serverHostKey': [['ssh-ed25519'], ['ssh-ed25519', 'rsa-sha2-512']],
  'algorithms.cipher': [['aes256-ctr'], ['aes128-gcm@openssh.com', 'aes256-ctr']],
  'algorithms.mac': [['hmac-sha2-256'], ['hmac-sha2-512', 'hmac-sha2-256']],
  'algorithms.publicKey': [['ssh-ed25519'], ['ssh-ed25519', 'rsa-sha2-512']],
}

function samplesOf(path: string): readonly OptionValue[] {
  return samples[path] ?? (isOptional(path) ? [false, 1, 5000, 3_600_000] : [1, 5000, 3_600_000])
}

function isOptional(path: string): boolean {
  return /timeout|idleTimeout|firstByteTimeout|stdinStall|limits.reconnect/i.test(path)
}

function nested(values: readonly (readonly [string, OptionValue])[]): Record<string, Record<string, OptionValue>> {
  const groups: Record<string, Record<string, OptionValue>> = {}
  for (const [path, value] of values) {
    const [group = '', name = ''] = path.split('.')
    groups[group] = { ...groups[group], [name]: value }
  }
  return groups
}

function canBeEnforced(path: string, value: OptionValue): boolean {
  if (path === 'hostKey.update') return true
  return value !== false && value !== 'off' && (path !== 'keepalive.interval' || value !== 1)
}

/** Whether a value allows nothing that another does not. */
function isAsTight(path: string, value: unknown, enforced: OptionValue): boolean {
  const tighter = policyOption(path)?.tighter
  if (tighter === 'fixed') return JSON.stringify(value) === JSON.stringify(enforced)
  if (tighter === 'on') return value === enforced
  if (tighter === 'stricter') return value === enforced || value === 'strict'
  if (Array.isArray(enforced))
    return Array.isArray(value) && value.length > 0 && value.every((item) => enforced.includes(item))
  return typeof value === 'number' && typeof enforced === 'number' && value <= enforced && value > 0
}

test('whatever a program asks for, nothing is looser than what is enforced, nor does keepalive.configure() make it so', () => {
  const paths = policyOptions.map(({ path }) => path)
  const some = (accepts: (path: string, value: OptionValue) => boolean) =>
    fc.uniqueArray(fc.constantFrom(...paths), { maxLength: 12 }).chain((chosen) => {
      const accepted = chosen.map((path) => [path, samplesOf(path).filter((value) => accepts(path, value))] as const)
      return fc.tuple(...accepted.map(([path, values]) => fc.tuple(fc.constant(path), fc.constantFrom(...values))))
    })
  const whatever = some(() => true)
  const writable = some((path, value) => path !== 'keepalive.interval' || value !== 1)
  const enforceable = some(canBeEnforced)
  fc.assert(
    fc.property(enforceable, writable, whatever, fc.boolean(), (enforced, defaults, asked, isOff) => {
      const document = { enforced: nested(enforced), defaults: nested(defaults) }
      const policy = policyOf([document])
      const options = { ...nested(asked), ...(isOff && { keepalive: false }) } as ConnectOptions
      let held: Settings
      try {
        held = settings(options, policy)
      } catch (error) {
        // Two lists can have nothing in common: then there is no connection.
        assert.ok(error instanceof HoldfastError && error.code === 'ERR_SSH_POLICY', String(error))
        return
      }
      for (const [path, value] of enforced) {
        const option = policyOption(path)
        assert.ok(option)
        assert.ok(
          isAsTight(path, valueAt(held.identity, option), value),
          `${path}: ${JSON.stringify(valueAt(held.identity, option))}`,
        )
      }
      const changed = boundKeepalive(held.policy, {
        interval: false,
        countMax: 1_000_000,
        wantReply: false,
        tcp: false,
      })
      for (const [path, value] of enforced) {
        const [group, name = ''] = path.split('.')
        if (group === 'keepalive') assert.ok(isAsTight(path, Reflect.get(changed, name), value), path)
      }
      // Everything that holds has somebody who said so.
      for (const [path, { value }] of Object.entries(origins(held))) {
        const option = policyOption(path)
        assert.ok(option)
        assert.deepEqual(value, valueAt(held.identity, option) ?? option.builtIn(), path)
      }
    }),
    { numRuns: 1000 },
  )
})

test('of several rules the tightest holds, and what has no order is as the more special one says', () => {
  const policy = policyOf([
    {
      enforced: { limits: { timeout: '1m', reply: '5s' }, socket: { localAddress: '10.0.0.1' } },
      hosts: [
        {
          match: '*.example.com',
          enforced: { limits: { timeout: '2m', reply: '1s' }, socket: { localAddress: '10.0.0.2' } },
        },
        { match: '*.example.org', enforced: { limits: { timeout: '1s' } } },
      ],
    },
    { enforced: { limits: { timeout: '30s', reply: '1h' }, socket: { localAddress: '10.0.0.3' } } },
  ])
  const { limits, socket } = settings({ socket: { family: 6 } }, policy)
  assert.deepEqual([limits.timeout, limits.reply], [30_000, 1000])
  // A further file adds and tightens: what the first has fixed it leaves. The address decides the family.
  assert.deepEqual([socket.localAddress, socket.family], ['10.0.0.2', undefined])
})

for (const [pattern, asked, applies] of [
  ['db.example.com', { host: 'DB.Example.COM.' }, true],
  ['*.example.com', { host: 'example.com' }, false],
  ['DB.EXAMPLE.COM', {}, true],
  ['prod', { host: 'db.example.com', hostKey: { alias: 'prod' } }, true],
  ['127.0.0.1', { host: '127.1' }, true],
  ['127.0.0.1', { host: '0x7f000001' }, true],
  ['127.0.0.1', { host: '::ffff:127.0.0.1' }, true],
  ['127.0.0.*', { host: '2130706433' }, true],
  ['::1', { host: '0:0:0:0:0:0:0:1' }, true],
  ['fe80::1', { host: 'fe80::1%eth0' }, true],
  ['prod.example.com', { host: 'ｐrod.example.com' }, true],
  ['xn--bcher-kva.example', { host: 'bücher.example' }, true],
  ['bücher.example', { host: 'bücher.example' }, true],
  ['2001:DB8:0:0::1', { host: '2001:db8::1' }, true],
  ['127.1', { host: '127.0.0.1' }, true],
  ['db.example.com.', {}, true],
  ['*.Example.com.', {}, true],
  [['*', '!2001:db8:0::1'], { host: '2001:db8::1' }, false],
  [['*', '!db.example.com'], {}, false],
  [['*', '!db.example.com'], { host: 'web.example.com' }, true],
  ['*', { host: undefined }, true],
  [`${'*a'.repeat(60)}b`, { host: 'a'.repeat(200) }, false],
] as const) {
  test(`the pattern ${JSON.stringify(pattern).slice(0, 40)} ${applies ? 'is' : 'is not'} for ${JSON.stringify(asked).slice(0, 60)}`, () => {
    const policy = policyOf([{ hosts: [{ match: pattern, enforced: { limits: { timeout: '1s' } } }] }])
    const options = { host: 'db.example.com', ...asked }
    const plain = { options, named: undefined, env: undefined, spentMs: 0, ignored: [] }
    const { options: held } = govern(plain, options, policy)
    assert.equal(held.limits?.timeout, applies ? 1000 : undefined)
  })
}

test('a rule for the name that the program gave holds whatever ssh_config makes of it, and the other way round', () => {
  for (const match of ['prod', '10.1.2.3']) {
    const policy = policyOf([{ hosts: [{ match, enforced: { limits: { timeout: '1s' } } }] }])
    const held = settings({}, policy, { alias: 'prod', options: { host: '10.1.2.3', limits: { timeout: '1h' } } })
    assert.equal(held.limits.timeout, 1000)
    assert.deepEqual(origins(held)['limits.timeout']?.wanted, { value: 3_600_000, from: 'ssh_config' })
  }
})

test('lists are cut down to what both allow; where that is nothing there is no connection', () => {
  const cipher = ['aes256-gcm@openssh.com', 'aes256-ctr', 'aes256-cbc']
  const policy = policyOf([{ enforced: { algorithms: { cipher } } }])
  assert.deepEqual(settings({}, policy).algorithms.cipher, cipher)
  const asked = { algorithms: { cipher: ['aes128-ctr', 'aes256-ctr'] } }
  assert.deepEqual(settings(asked, policy).algorithms.cipher, ['aes256-ctr'])
  const nothing = codeOf(() => settings({ algorithms: { cipher: ['aes128-ctr'] } }, policy))
  assert.match(nothing, /^ERR_SSH_POLICY algorithms\.cipher: .* nothing in common with what \/policy0\.json:1 allows/)
  const contrary = policyOf([
    { enforced: { algorithms: { cipher } } },
    { enforced: { algorithms: { cipher: ['aes128-ctr'] } } },
  ])
  assert.match(
    codeOf(() => settings({}, contrary)),
    /^ERR_SSH_POLICY .*\/policy0\.json:1, \/policy1\.json:1/,
  )
})

function named(asked: ConnectOptions, document: object): readonly string[] | undefined {
  return settings(asked, policyOf([document])).algorithms.named
}

test('an algorithm takes its risk by a name that somebody asks for, not by one that is only allowed', () => {
  const cipher = ['chacha20-poly1305@openssh.com']
  assert.deepEqual(named({}, { enforced: { algorithms: { cipher } } }), [])
  assert.deepEqual(named({}, { defaults: { algorithms: { cipher } } }), cipher)
  assert.deepEqual(named({ algorithms: { cipher } }, { enforced: { algorithms: { cipher } } }), cipher)
  assert.deepEqual(named({ algorithms: { cipher } }, {}), cipher)
})

test('an address that a stronger layer gives leaves no room for the family of a weaker one', () => {
  const policy = policyOf([{ defaults: { socket: { family: 6 } } }], { HOLDFAST_SOCKET_LOCAL_ADDRESS: '10.0.0.1' })
  assert.deepEqual(settings({}, policy).socket, { localAddress: '10.0.0.1' })
  assert.deepEqual(settings({ socket: { family: 4 } }, policy).socket, { family: 4 })
  assert.deepEqual(settings({ socket: { localAddress: '10.0.0.2' } }, policy).socket, { localAddress: '10.0.0.2' })
})

test('each option has a variable of its own', () => {
  const { variable } = policyOption('keepalive.countMax') ?? {}
  assert.equal(variable, 'HOLDFAST_KEEPALIVE_COUNT_MAX')
  const variables = policyOptions.map((option) => option.variable)
  assert.equal(new Set(variables).size, variables.length)
  const policy = policyOf([], {
    HOLDFAST_KEEPALIVE_TCP_IDLE: '1m',
    HOLDFAST_KEEPALIVE_TCP_COUNT: '4',
    HOLDFAST_SOCKET_FAMILY: '4',
    HOLDFAST_SOCKET_NO_DELAY: 'false',
    HOLDFAST_ALGORITHMS_CIPHER: 'aes256-ctr, aes128-ctr',
    HOLDFAST_HOST_KEY_POLICY: 'accept-new',
    HOLDFAST_REKEY_BYTES: '1000000',
    HOLDFAST_DEBUG: '1',
    HOLDFAST_REGISTER: 'report',
    HOLDFAST_LAB: 'full',
    HOLDFAST: 'off',
  })
  const { keepalive, socket, algorithms, hostKey, rekey } = settings({}, policy)
  assert.deepEqual(keepalive.tcp, { idle: 60_000, count: 4 })
  assert.deepEqual([socket.family, socket.noDelay, hostKey.policy, rekey.bytes], [4, false, 'accept-new', 1_000_000])
  assert.deepEqual(algorithms.cipher, ['aes256-ctr', 'aes128-ctr'])
})

for (const [variables, words] of [
  [
    { HOLDFAST_LIMIT_TIMEOUT: '1m' },
    "there is no variable HOLDFAST_LIMIT_TIMEOUT; did you mean 'HOLDFAST_LIMITS_TIMEOUT'?",
  ],
  [{ HOLDFAST_PASSWORD: 'hunter2' }, 'there is no variable HOLDFAST_PASSWORD'],
  [{ HOLDFAST_LIMITS_TIMEOUT: '60' }, 'HOLDFAST_LIMITS_TIMEOUT must be a duration'],
  [{ HOLDFAST_LIMITS_TIMEOUT: '' }, 'HOLDFAST_LIMITS_TIMEOUT is empty: give it a value, or unset it'],
  [{ HOLDFAST_KEEPALIVE: 'true' }, 'HOLDFAST_KEEPALIVE can only be false'],
  [{ HOLDFAST_REGISTER: 'repotr' }, 'HOLDFAST_REGISTER can only be report'],
  [{ HOLDFAST_KEEPALIVE_COUNT_MAX: '2.5' }, 'HOLDFAST_KEEPALIVE_COUNT_MAX must be a whole number'],
  [{ HOLDFAST_KEEPALIVE_COUNT_MAX: '0x5' }, 'HOLDFAST_KEEPALIVE_COUNT_MAX must be a whole number'],
  [{ HOLDFAST_KEEPALIVE_WANT_REPLY: 'yes' }, 'HOLDFAST_KEEPALIVE_WANT_REPLY must be true or false'],
  [
    { HOLDFAST_KEEPALIVE_TCP: 'false', HOLDFAST_KEEPALIVE_TCP_IDLE: '1m' },
    'HOLDFAST_KEEPALIVE_TCP_IDLE sets a value of what HOLDFAST_KEEPALIVE_TCP switches off',
  ],
] as const) {
  test(`the environment ${JSON.stringify(variables)} is refused`, () => {
    const message = codeOf(() => readEnvironment(variables))
    assert.ok(message.startsWith(`ERR_SSH_POLICY ${words}`), message)
    assert.ok(!message.includes('hunter2'))
  })
}

test('setDefaults() refuses what no policy can set, and takes the place of what it set before', (t) => {
  forThisTest(t, { limits: { reply: '1s', sftp: '1s' } })
  setDefaults({ limits: { reply: '2s' } })
  const { limits } = settings({}, policyOf([]))
  assert.deepEqual([limits.reply, limits.sftp], [2000, 15_000])
  const wrong: object = { limits: { replay: '1s' } }
  assert.match(
    codeOf(() => setDefaults(wrong)),
    /^ERR_SSH_OPTION setDefaults\(\): limits\.replay is no option .* 'limits\.reply'/,
  )
  const secret: object = { password: 'hunter2' }
  assert.match(
    codeOf(() => setDefaults(secret)),
    /^ERR_SSH_OPTION setDefaults\(\): password is no option/,
  )
  // What was refused changed nothing.
  assert.equal(settings({}, policyOf([])).limits.reply, 2000)
})
