import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { PolicyStats } from 'holdfast'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { bin } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { bin: { holdfast: string } }

function holdfast(args: readonly string[], env: object = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, bin.holdfast), ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

function policyFile(t: TestContext, text: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'policy.json')
  writeFileSync(file, text, { mode: 0o644 })
  return file
}

const policy =
  '{\n"enforced": {\n"limits": { "timeout": "10m", "reply": "1m" } },\n"hosts": [{ "match": "db", "enforced": {\n"limits": { "timeout": "1m" } } }] }'

test('holdfast policy check says whether a file is right, and what is wrong', (t) => {
  const good = policyFile(t, policy)
  assert.deepEqual(holdfast(['policy', 'check', good]), { status: 0, stdout: `${good}: right\n`, stderr: '' })
  const bad = policyFile(t, '{ "enforced": { "limits": { "tiemout": "1m" } } }')
  const { status, stdout, stderr } = holdfast(['policy', 'check', bad])
  assert.deepEqual([status, stdout], [1, ''])
  assert.ok(
    stderr.includes(
      `${bad}:1: enforced.limits.tiemout is no option that a policy can set; did you mean 'limits.timeout'?`,
    ),
  )
  assert.equal(holdfast(['policy', 'check', `${bad}.none`]).status, 1)
})

test('holdfast policy check without a file looks at that of the process and its variables', (t) => {
  const HOLDFAST_POLICY = policyFile(t, policy)
  const { status, stdout } = holdfast(['policy', 'check'], { HOLDFAST_POLICY, HOLDFAST_LIMITS_SFTP: '5s' })
  assert.equal(status, 0)
  assert.ok(stdout.endsWith(`${HOLDFAST_POLICY}: right\nHOLDFAST_LIMITS_SFTP: right\n`), stdout)
  assert.equal(holdfast(['policy', 'check'], { HOLDFAST_LIMITS_SFTP: '5' }).status, 1)
})

test('holdfast policy check without a file says what the switch of holdfast/register does', () => {
  const off = holdfast(['policy', 'check'], { HOLDFAST: 'off' })
  assert.equal(off.status, 0)
  assert.ok(off.stdout.endsWith('HOLDFAST: right, and programs on npm ssh2 keep its client\n'), off.stdout)
  const { status, stderr } = holdfast(['policy', 'check'], { HOLDFAST: 'of' })
  assert.equal(status, 1)
  assert.match(stderr, /the value of HOLDFAST is not known: only off is/)
  assert.doesNotMatch(holdfast(['policy', 'check'], { HOLDFAST: '' }).stdout, /HOLDFAST:/)
})

test('holdfast policy show says what holds for a host, and who says so', (t) => {
  const HOLDFAST_POLICY = policyFile(t, policy)
  const env = { HOLDFAST_POLICY, HOLDFAST_LIMITS_SFTP: '5s' }
  const { status, stdout } = holdfast(['policy', 'show', 'db'], env)
  assert.equal(status, 0)
  const row = (name: string) =>
    stdout
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.replace(/ {2,}/g, ' ')
  assert.equal(row('limits.timeout'), `limits.timeout 60000 enforced (${HOLDFAST_POLICY}:5)`)
  assert.equal(row('limits.sftp'), 'limits.sftp 5000 environment (HOLDFAST_LIMITS_SFTP)')
  assert.equal(row('limits.reply'), `limits.reply 15000 built-in, bound by ${HOLDFAST_POLICY}:3 to 60000`)
  const { options } = JSON.parse(holdfast(['policy', 'show', '--json', 'web'], env).stdout) as PolicyStats
  assert.equal(options['limits.timeout']?.value, 600_000)
})

test('a command line that says nothing that can be done ends with 2 and says how', () => {
  for (const args of [
    [],
    ['polcy'],
    ['policy'],
    ['policy', 'shwo'],
    ['policy', 'show'],
    ['policy', 'show', 'a', 'b'],
    ['policy', 'check', '-x'],
  ]) {
    const { status, stdout, stderr } = holdfast(args)
    assert.deepEqual([status, stdout], [2, ''], args.join(' '))
    assert.match(stderr, /^holdfast: .+\nusage: holdfast policy check/)
  }
})

test('holdfast --help says how it is used, and is no mistake', () => {
  for (const args of [['--help'], ['-h'], ['policy', '--help']]) {
    const { status, stdout, stderr } = holdfast(args)
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^usage: holdfast policy check/)
  }
})
