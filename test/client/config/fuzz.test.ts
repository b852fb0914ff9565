// Generated configurations, read by Holdfast and by ssh itself.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { configure } from '#src/client/config/configure.js'
import { resolveSettings } from '#src/client/settings.js'
import { skip } from './files.js'
import { sshSays } from './ssh.js'

const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-config-'))
after(() => rmSync(directory, { recursive: true }))

const hosts = ['web', 'web-1', 'db', 'db.example.com']
const pattern = fc.constantFrom('web', 'web*', 'db', 'db.?xample.com', '*', '!db *', 'w?b db', 'nobody')
const match = fc.constantFrom(
  'all',
  'host web*',
  'originalhost db',
  'user carol',
  'exec true',
  'exec false',
  'final all',
)
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)

const line = fc.oneof(
  fc.constantFrom('%h', 'real.example.com', '%h.example.com', '192.0.2.1', '::1').map((to) => `HostName ${to}`),
  fc.integer({ min: 1, max: 65_535 }).map((port) => `Port ${port}`),
  name.map((user) => `User ${user}`),
  fc
    .tuple(fc.constantFrom('~/.ssh', '/keys', '%d', 'relative'), name)
    .map(([at, file]) => `IdentityFile ${at}/${file}`),
  fc.constantFrom('%h', '%n', '%r', '%p', '%u', '%%').map((token) => `IdentityFile /keys/${token}`),
  fc.constantFrom('yes', 'no').map((only) => `IdentitiesOnly=${only}`),
  fc.constantFrom('yes', 'no', 'ask', 'accept-new').map((policy) => `StrictHostKeyChecking ${policy}`),
  fc.constantFrom('gate', 'carol@gate', 'gate:2222,carol@far', 'none').map((way) => `ProxyJump ${way}`),
  fc.constantFrom('nc %h %p', 'none').map((command) => `ProxyCommand ${command}`),
  fc.integer({ min: 0, max: 90 }).map((seconds) => `ServerAliveInterval ${seconds}`),
)
const block = fc
  .tuple(
    fc.oneof(
      pattern.map((p) => `Host ${p}`),
      match.map((m) => `Match ${m}`),
    ),
    fc.array(line),
  )
  .map(([head, lines]) => [head, ...lines.map((each) => `  ${each}`)].join('\n'))
const file = fc
  .tuple(fc.array(line, { maxLength: 2 }), fc.array(block, { maxLength: 5 }))
  .map((parts) => parts.flat().join('\n'))

test('a host is what ssh says it is, whatever the configuration', { skip }, async () => {
  const cases = fc.tuple(file, file, fc.constantFrom(...hosts))
  await fc.assert(
    fc.asyncProperty(cases, async ([own, included, host]) => {
      const main = path.join(directory, 'config')
      writeFileSync(path.join(directory, 'included'), included)
      writeFileSync(main, `${own}\nMatch all\nInclude ${directory}/includ*\n`)
      await compare(main, host)
    }),
    { numRuns: 40 },
  )
})

async function compare(config: string, alias: string): Promise<void> {
  const says = await sshSays(config, alias)
  const of = (keyword: string) => says.find(([each]) => each === keyword)?.[1]
  const configured = await configure({ host: alias, config })
  const { host, port, username, identity, keepalive } = resolveSettings(configured)
  assert.deepEqual(configured.options.proxyJump, of('proxyjump')?.split(','))
  assert.equal(configured.options.proxyCommand, of('proxycommand'))
  assert.deepEqual([host, String(port), username], [of('hostname'), of('port'), of('user')])
  const files = says.filter(([keyword]) => keyword === 'identityfile').map(([, value]) => value)
  if (identity.identityFiles === undefined) assert.ok(files.includes('~/.ssh/id_ed25519_sk'), files.join(' '))
  else
    assert.deepEqual(
      identity.identityFiles,
      files.map((value) => plain(value, { alias, host, port, username })),
    )
  assert.equal(identity.identitiesOnly ?? false, of('identitiesonly') === 'yes')
  const interval = Number(of('serveraliveinterval'))
  assert.equal(keepalive.interval, interval === 0 ? 15_000 : interval * 1000)
}

interface Names {
  readonly alias: string
  readonly host: string
  readonly port: number
  readonly username: string
}

/** The tokens that stand in the generated files, one after the other. */
function plain(value: string, { alias, host, port, username }: Names): string {
  const { homedir, username: own } = userInfo()
  return value
    .replace(/^~|^%d/, homedir)
    .replace(/%h$/, host)
    .replace(/%n$/, alias)
    .replace(/%r$/, username)
    .replace(/%p$/, String(port))
    .replace(/%u$/, own)
    .replace(/%%$/, '%')
}
