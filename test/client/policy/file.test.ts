import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { type TestContext, test } from 'node:test'
import { HoldfastError } from 'holdfast'
import { readPolicyFile } from '#src/client/policy/file.js'
import { defaultPolicyFile, loadPolicy, type Policy } from '#src/client/policy/policy.js'

const skip = process.platform === 'win32' ? 'there are no such owners and modes' : false
const isRoot = process.geteuid?.() === 0

function folder(t: TestContext): (name: string, text?: string | Buffer, mode?: number) => string {
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-policy-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return (name, text, mode = 0o644) => {
    const file = path.join(directory, name)
    if (text !== undefined) writeFileSync(file, text)
    if (text !== undefined) chmodSync(file, mode)
    return file
  }
}

function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error))
    assert.deepEqual([error.code, error.phase], ['ERR_SSH_POLICY', 'options'])
    return error.message
  }
  return 'no refusal'
}

test('a file that is not there is no policy, and one behind a link is one', { skip }, (t) => {
  const file = folder(t)
  assert.equal(readPolicyFile(file('none.json')), undefined)
  assert.equal(readPolicyFile(path.join(file('none'), 'deep', 'policy.json')), undefined)
  symlinkSync(file('real.json', '\ufeff{"defaults":{}}'), file('link.json'))
  assert.equal(readPolicyFile(file('link.json')), '{"defaults":{}}')
})

test('whatever else keeps it from being read is an error', { skip }, (t) => {
  const file = folder(t)
  symlinkSync(file('nowhere'), file('dangling'))
  mkdirSync(file('directory'))
  symlinkSync(file('loop'), file('loop'))
  spawnSync('mkfifo', [file('fifo')])
  const large = Buffer.alloc(1024 * 1024 + 1, ' ')
  const cases: readonly (readonly [string, RegExp])[] = [
    [file('dangling'), /cannot be read: ENOENT/],
    [path.join(file('dangling'), 'policy.json'), /cannot be read: ENOENT/],
    [file('directory'), /is no file|cannot be read/],
    [file('loop'), /cannot be read: ELOOP/],
    [file('fifo'), /is no file/],
    ['/dev/zero', /is no file/],
    [path.join(file('plain', '{}'), 'policy.json'), /cannot be read: ENOTDIR/],
    [file('latin1', Buffer.from('{"é":1}', 'latin1')), /is no text in UTF-8/],
    [file('large', large), /is larger than 1048576 bytes/],
  ]
  for (const [name, words] of cases) {
    const message = refusal(() => readPolicyFile(name))
    assert.match(message, words)
    assert.ok(message.includes(name), message)
  }
})

test('a file that others could write is refused, and one of another user', { skip }, (t) => {
  const file = folder(t)
  for (const mode of [0o666, 0o664, 0o602]) {
    assert.match(
      refusal(() => readPolicyFile(file('open', '{}', mode))),
      /can be written by others .* chmod go-w/,
    )
  }
  assert.equal(readPolicyFile(file('closed', '{}', 0o600)), '{}')
  const own = process.geteuid?.() ?? 0
  const other = { userId: own + 1 }
  if (isRoot) {
    // What belongs to root is for everybody.
    assert.equal(readPolicyFile(file('closed', '{}', 0o644), other), '{}')
    chownSync(file('closed'), 4711, 4711)
    assert.match(
      refusal(() => readPolicyFile(file('closed'))),
      /belongs to user 4711/,
    )
    assert.equal(readPolicyFile(file('closed'), { userId: 4711 }), '{}')
  } else {
    assert.match(
      refusal(() => readPolicyFile(file('closed'), other)),
      /belongs to user/,
    )
  }
})

/** What a process that began as root and is nobody now says of a file. */
function saidByNobody(file: string): string {
  const module = new URL('../../../../dist/client/policy/file.js', import.meta.url).href
  const script = `
    import { readPolicyFile } from ${JSON.stringify(module)}
    process.setgid(65534)
    process.setuid(65534)
    try { console.log('read', readPolicyFile(${JSON.stringify(file)})) } catch (error) { console.log(error.code, error.message) }`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.notEqual(stdout, '', stderr)
  return stdout
}

test('a file that may not be read is an error', { skip: skip || !isRoot }, (t) => {
  const file = folder(t)('policy.json', '{}', 0o600)
  chmodSync(path.dirname(file), 0o755)
  assert.match(saidByNobody(file), /^ERR_SSH_POLICY the policy .* cannot be read: EACCES/)
})

test('whose a file has to be goes by who the process is when it is read', { skip: skip || !isRoot }, (t) => {
  const file = folder(t)('policy.json', '{}', 0o644)
  chmodSync(path.dirname(file), 0o755)
  assert.equal(saidByNobody(file), 'read {}\n')
  chownSync(file, 65_534, 65_534)
  assert.equal(saidByNobody(file), 'read {}\n')
  chownSync(file, 4711, 4711)
  assert.match(saidByNobody(file), /belongs to user 4711/)
})

test('the policy of a machine stands where administrators look for it', () => {
  assert.match(
    defaultPolicyFile,
    process.platform === 'win32' ? /\\holdfast\\policy\.json$/ : /^\/etc\/holdfast\/policy\.json$/,
  )
})

function files({ documents }: Policy): readonly string[] {
  return documents.map((document) => path.basename(document.file))
}

test('HOLDFAST_POLICY names a file that has to be there, by an absolute path', (t) => {
  const file = folder(t)
  const none = file('none.json')
  assert.match(
    refusal(() => loadPolicy({ HOLDFAST_POLICY: none }, none.concat('2'))),
    /names .*none\.json, which is not there/,
  )
  assert.match(
    refusal(() => loadPolicy({ HOLDFAST_POLICY: 'policy.json' }, none)),
    /must be an absolute path/,
  )
  assert.match(
    refusal(() => loadPolicy({ HOLDFAST_POLICY: '' }, none)),
    /must be an absolute path/,
  )
  const own = file('own.json', '{}')
  assert.deepEqual(files(loadPolicy({ HOLDFAST_POLICY: own }, none)), ['own.json'])
  assert.deepEqual(files(loadPolicy({ HOLDFAST_POLICY: own }, file('system.json', '{}'))), ['system.json', 'own.json'])
  assert.deepEqual(files(loadPolicy({ HOLDFAST_POLICY: own }, own)), ['own.json'])
  assert.deepEqual(files(loadPolicy({}, none)), [])
})
