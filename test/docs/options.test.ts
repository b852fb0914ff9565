// The pages of options against the interfaces that declare them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { defaultLimits, limitNames } from '#src/client/limits.js'
import { defaultReconnect } from '#src/client/reconnect/options.js'
import { errorTable } from '#src/error-table.js'
import { parseDuration } from '#src/liveness/duration.js'
import { membersOf } from './interfaces.js'

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')

/** Where options are declared, and how the page names them. */
const connecting = [
  { file: 'src/client/options.ts', name: 'ConnectOptions', prefix: '' },
  { file: 'src/client/options.ts', name: 'HostKeyOptions', prefix: 'hostKey.' },
  { file: 'src/client/options.ts', name: 'AlgorithmOptions', prefix: 'algorithms.' },
  { file: 'src/client/options.ts', name: 'SocketOptions', prefix: 'socket.' },
  { file: 'src/client/options.ts', name: 'RekeyOptions', prefix: 'rekey.' },
  { file: 'src/liveness/settings.ts', name: 'KeepaliveOptions', prefix: 'keepalive.' },
  { file: 'src/liveness/settings.ts', name: 'TcpKeepaliveOptions', prefix: 'keepalive.tcp.' },
]
const commands = [
  { file: 'src/session/options.ts', name: 'SpawnOptions', prefix: '' },
  { file: 'src/session/options.ts', name: 'ExecOptions', prefix: '' },
  { file: 'src/session/pty.ts', name: 'PtyOptions', prefix: 'pty.' },
]
const pages = { 'docs/connecting.md': connecting, 'docs/commands.md': commands }

const reconnecting = [{ file: 'src/client/reconnect/options.ts', name: 'ReconnectOptions', prefix: 'reconnect.' }]

/** The first cells of the rows of tables that are headed `option`. */
function documentedOptions(page: string): string[] {
  const tables = page.matchAll(/^\| option \|.*\n\|[-|]+\n((?:\|.*\n)+)/gm)
  return [...tables].flatMap(([, rows = '']) => [...rows.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name))
}

for (const [file, interfaces] of Object.entries(pages)) {
  test(`${file} has a row for every option, and no row is left over`, () => {
    const documented = documentedOptions(read(file))
    const declared = interfaces.flatMap(({ file: source, name, prefix }) =>
      membersOf(read(source), name).map((member) => prefix + member.name),
    )
    assert.ok(declared.length > 10)
    assert.deepEqual(documented.toSorted(), declared.toSorted())
  })

  test(`${file} names only errors that exist`, () => {
    const named = [...read(file).matchAll(/`(ERR_SSH_\w+)`/g)].map(([, code = '']) => code)
    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter((code) => !Object.hasOwn(errorTable, code)),
      [],
    )
  })
}

test('docs/tunnels.md has a row for every option, and no row is left over', () => {
  const declared = [
    ...membersOf(read('src/forward/options.ts'), 'TunnelOptions'),
    ...membersOf(read('src/forward/options.ts'), 'ConnectToOptions'),
    ...membersOf(read('src/forward/listen-options.ts'), 'DynamicForwardOptions'),
    ...membersOf(read('src/forward/listen-options.ts'), 'ForwardOptions'),
    ...membersOf(read('src/forward/listen-options.ts'), 'RemoteForwardOptions'),
  ]
  assert.deepEqual(documentedOptions(read('docs/tunnels.md')).toSorted(), declared.map(({ name }) => name).toSorted())
  assert.ok(declared.every(({ doc }) => doc !== ''))
})

test('docs/reconnect.md has a row for every option, and docs/defaults.md why it is as it is by default', () => {
  const declared = membersOf(read('src/client/reconnect/options.ts'), 'ReconnectOptions').map(({ name }) => name)
  const documented = documentedOptions(read('docs/reconnect.md'))
  assert.deepEqual(documented, declared)
  for (const [name, value] of Object.entries(defaultReconnect)) {
    const [, said = '', why = ''] =
      new RegExp(`\\| \`reconnect\\.${name}\` \\| \`'?([^'\`]+)'?\` \\| (.+) \\|`).exec(read('docs/defaults.md')) ?? []
    assert.equal(said === 'false' ? false : parseDuration(said, name), value, name)
    assert.ok(why.length > 0)
  }
})

test('every option says in its docstring what it is', () => {
  const limits = { file: 'src/client/limits.ts', name: 'LimitOptions', prefix: 'limits.' }
  const bare = [...connecting, ...commands, ...reconnecting, limits].flatMap(({ file, name, prefix }) =>
    membersOf(read(file), name)
      .filter(({ doc }) => doc === '')
      .map((member) => prefix + member.name),
  )
  assert.deepEqual(bare, [])
})

test('the docstring of each limit tells its default as it is', () => {
  const members = membersOf(read('src/client/limits.ts'), 'LimitOptions')
  assert.deepEqual(
    members.map(({ name }) => name),
    limitNames,
  )
  for (const { name, doc } of members) {
    const said = /@default '?([\w.]+)'?/.exec(doc)?.[1]
    const value = said === 'false' ? false : parseDuration(said, name)
    assert.equal(value, Object.entries(defaultLimits).find(([limit]) => limit === name)?.[1], name)
  }
})

test('docs/testing.md names every option of startServer()', () => {
  const page = read('docs/testing.md')
  const missing = membersOf(read('src/testing/server-options.ts'), 'ServerOptions').filter(
    ({ name }) => !new RegExp(String.raw`\`${name}\b`).test(page),
  )
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  )
})

test('docs/diagnostics.md names every channel of diagnostics', () => {
  const page = read('docs/diagnostics.md')
  const channels = [...read('src/diagnostics.ts').matchAll(/^ {2}'(holdfast:\w+)':/gm)].map(([, name = '']) => name)
  assert.ok(channels.length > 3)
  for (const channel of channels) assert.ok(page.includes(`| \`${channel}\` |`), channel)
})

test('members of an interface are found with their docstrings, those of others are not', () => {
  const source =
    'export interface A extends B {\n  /** One. */\n  readonly a?: x\n  readonly b: y\n}\nexport interface C {\n  readonly c: z\n}\n'
  assert.deepEqual(membersOf(source, 'A'), [
    { name: 'a', doc: 'One.' },
    { name: 'b', doc: '' },
  ])
})
