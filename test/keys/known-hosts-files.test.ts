import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { knownHostsName, namesHost, parseKnownHosts } from '#src/keys/known-hosts.js'
import {
  appendKnownHost,
  entriesNaming,
  readKnownHost,
  readKnownHostsFiles,
  rotateKnownHost,
} from '#src/keys/known-hosts-files.js'
import { encodeKnownHostsLine } from '#src/keys/known-hosts-line.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import type { PublicKey } from '#src/keys/public-key.js'
import { findPosixTools } from '../support/posix-tools.js'
import { missing, setHome, sshKeygen, temporaryDirectory } from './openssh-tools.js'

findPosixTools()

const keys = Array.from({ length: 4 }, () => generatePrivateKey('ssh-ed25519').publicKey)
const [first, second, third] = keys as [PublicKey, PublicKey, PublicKey]
const db1 = { host: 'db1', port: 22 }
const windows = process.platform === 'win32'

test('files that do not exist are empty; those that cannot be read are an error', async (context) => {
  const directory = temporaryDirectory(context)
  const file = join(directory, 'known_hosts')
  writeFileSync(file, `db1 ${line(first)}\nnonsense\n`)
  const { entries, problems } = await readKnownHostsFiles([join(directory, 'absent'), file])
  assert.deepEqual(
    entries.map((entry) => entry.file),
    [file],
  )
  assert.deepEqual(problems, [{ file, line: 2, reason: problems[0]?.reason }])
  await assert.rejects(readKnownHostsFiles([directory]), { code: 'ERR_SSH_KNOWN_HOSTS', message: /no regular file/ })
})

test('a file of many hosts is read without holding up the event loop, and its lines keep their numbers', async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  const count = 20_000
  const lines = Array.from({ length: count }, (_, index) =>
    index % 5000 === 4999 ? 'nonsense' : `db${index} ${line(first)}`,
  )
  writeFileSync(file, lines.join('\n'))
  const { entries, problems } = await inTurns(context, () => readKnownHostsFiles([file]))
  assert.deepEqual(
    problems.map((problem) => problem.line),
    [5000, 10_000, 15_000, 20_000],
  )
  assert.deepEqual([entries.length, entries[7000]?.line, entries.at(-1)?.line], [count - 4, 7002, count - 1])
})

test('a host is found among many hashed names without holding up the event loop', async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  const lines = Array.from({ length: 20_000 }, (_, index) =>
    encodeKnownHostsLine(index === 12_345 ? '[db1]:2222' : `other${index}`, first, randomBytes(20)),
  )
  writeFileSync(file, `${lines.join('\n')}\nnonsense`)
  const { entries } = await readKnownHostsFiles([file])
  const names = [knownHostsName('DB1', 2222), knownHostsName('DB1', 22)]
  const found = await inTurns(context, () => entriesNaming(entries, names))
  assert.deepEqual(found, [entries[12_345]])
  const known = await readKnownHost([file], { host: 'DB1', port: 2222 })
  assert.deepEqual(known.entries, found)
  assert.deepEqual(
    known.problems.map((problem) => problem.line),
    [20_001],
  )
})

/** Work that takes long, in many turns of the event loop: in one piece, one of them takes nearly all of its time. */
async function inTurns<T>(context: TestContext, work: () => Promise<T>): Promise<T> {
  const turnsMs: number[] = []
  let since = process.cpuUsage()
  const next = () => {
    // In processor time, of which a busy machine gives no more.
    const { user, system } = process.cpuUsage(since)
    turnsMs.push((user + system) / 1000)
    since = process.cpuUsage()
    turn = setImmediate(next)
  }
  let turn = setImmediate(next)
  context.after(() => clearImmediate(turn))
  const result = await work()
  await nextTurn()
  const [longest, whole] = [Math.max(...turnsMs), turnsMs.reduce((sum, ms) => sum + ms, 0)]
  assert.ok(longest < whole / 2, `${longest} of ${whole} ms in one turn`)
  return result
}

test('a named pipe that nobody writes to is not waited for', {
  skip: windows && 'no named pipes in the file system',
}, async (context) => {
  const pipe = join(temporaryDirectory(context), 'pipe')
  execFileSync('mkfifo', [pipe])
  await assert.rejects(readKnownHostsFiles([pipe]), { code: 'ERR_SSH_KNOWN_HOSTS', message: /no regular file/ })
})

test('a first key makes ~/.ssh and its file for the user alone', async (context) => {
  const home = temporaryDirectory(context)
  setHome(context, home)
  const file = join(home, '.ssh', 'known_hosts')
  await appendKnownHost(file, { host: 'DB1', port: 2222 }, first)
  assert.equal(readFileSync(file, 'utf8'), `[db1]:2222 ${line(first)}\n`)
  if (windows) return
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700)
})

test('a user without a home may have a file elsewhere, as one of a container', async (context) => {
  const directory = temporaryDirectory(context)
  const file = join(directory, 'known_hosts')
  const { mock } = context.mock.method(os, 'homedir', () => {
    throw new Error('uv_os_homedir returned ENOENT')
  })
  syncBuiltinESMExports()
  context.after(() => {
    mock.restore()
    syncBuiltinESMExports()
  })
  await appendKnownHost(file, db1, first)
  assert.match(readFileSync(file, 'utf8'), /^db1 ssh-ed25519 /)
})

test('no other folder is made, as with ssh', async (context) => {
  const home = temporaryDirectory(context)
  setHome(context, home)
  for (const folder of [join(home, 'elsewhere'), join(home, '.ssh', 'more'), join(home, 'a', 'b')]) {
    const file = join(folder, 'known_hosts')
    const adding = appendKnownHost(file, db1, first)
    await assert.rejects(adding, { code: 'ERR_SSH_KNOWN_HOSTS', message: /no such file or directory/, hint: /folder/ })
    assert.equal(existsSync(folder), false)
  }
})

test('a home that is not there is not made', async (context) => {
  const home = join(temporaryDirectory(context), 'nobody')
  setHome(context, home)
  await assert.rejects(appendKnownHost(join(home, '.ssh', 'known_hosts'), db1, first), { code: 'ERR_SSH_KNOWN_HOSTS' })
  assert.equal(existsSync(home), false)
})

test('a last line without an end is ended first, and a key is added once', async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  writeFileSync(file, `db2 ${line(second)}`)
  await appendKnownHost(file, db1, first)
  await appendKnownHost(file, db1, first)
  assert.equal(readFileSync(file, 'utf8'), `db2 ${line(second)}\ndb1 ${line(first)}\n`)
})

test('a name is hashed where names are hashed', { skip: missing('ssh-keygen') }, async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  writeFileSync(file, `db2 ${line(second)}\n`)
  sshKeygen('-q', '-H', '-f', file)
  await appendKnownHost(file, db1, first)
  assert.doesNotMatch(readFileSync(file, 'utf8'), /^db/m)
  assert.match(sshKeygen('-F', 'db1', '-f', file), /found: line 2/)
  assert.match(sshKeygen('-F', 'db2', '-f', file), /found: line 1/)
})

test('several processes append while another replaces the file, and nothing is lost', {
  timeout: 60_000,
}, async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  writeFileSync(file, `db1 ${line(first)}\n`)
  const program = fileURLToPath(new URL('./known-hosts-appender.js', import.meta.url))
  const perProcess = 100
  const appenders = ['a', 'b', 'c'].map((prefix) =>
    promisify(execFile)(process.execPath, [program, file, prefix, `${perProcess}`]),
  )
  const progress = { running: true }
  const all = Promise.all(appenders).finally(() => {
    progress.running = false
  })
  let replaced = 0
  let current = first
  while (progress.running) {
    const next = current === first ? second : first
    const rotation = { ...db1, offered: [current, next], proven: [next] }
    if (await rotateKnownHost(file, rotation)) replaced++
    if (await rotateKnownHost(file, { ...db1, offered: [next], proven: [] })) replaced++
    current = next
  }
  await all
  assert.ok(replaced > 0)
  const { entries, problems } = parseKnownHosts(readFileSync(file, 'utf8'), file)
  assert.deepEqual(problems, [])
  const names = entries.map(({ hosts }) => (hosts.form === 'patterns' ? hosts.patterns[0] : 'hashed'))
  for (const prefix of ['a', 'b', 'c']) {
    for (let index = 0; index < perProcess; index++) assert.ok(names.includes(`${prefix}${index}`), `${prefix}${index}`)
  }
  assert.deepEqual(readdirSync(dirname(file)), ['known_hosts'])
})

test('a line of which half is written when the file is replaced is not torn', { timeout: 120_000 }, async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  // The kernel shows one write page by page, and these are so many that in 25 rounds somebody reads between two of them.
  const long = Buffer.from(`${'x'.repeat(8_000_000)} ${line(third)}\n`)
  for (let round = 0; round < 25; round++) {
    writeFileSync(file, `db1 ${line(first)}\n`)
    const writer = new Worker(new URL('./known-hosts-writer.js', import.meta.url), { workerData: { file, line: long } })
    await once(writer, 'message')
    assert.equal(await rotateKnownHost(file, { ...db1, offered: [first, second], proven: [second] }), true)
    await writer.terminate()
    assert.deepEqual(parseKnownHosts(readFileSync(file, 'utf8'), file).problems, [])
  }
})

test('rotation adds what is proven, removes what is gone, and keeps the rest to the letter, but for the end of the last line', async (context) => {
  const directory = temporaryDirectory(context)
  const file = join(directory, 'known_hosts')
  const link = join(directory, 'link')
  symlinkSync(file, link)
  writeFileSync(
    file,
    `# mine\n\ndb1 ${line(first)} note\nnonsense\ndb1 ${line(second)}\ndb2 ${line(keys[3] ?? first)}`,
    { mode: 0o640 },
  )
  assert.equal(await rotateKnownHost(link, { ...db1, offered: [first, third], proven: [] }), false, 'not proven')
  assert.equal(await rotateKnownHost(link, { ...db1, offered: [first, third], proven: [third] }), true)
  const expected = `# mine\n\ndb1 ${line(first)} note\nnonsense\ndb2 ${line(keys[3] ?? first)}\ndb1 ${line(third)}\n`
  assert.equal(readFileSync(file, 'utf8'), expected)
  assert.equal(await rotateKnownHost(link, { ...db1, offered: [first, third], proven: [] }), false, 'nothing to do')
  if (!windows) assert.equal(statSync(file).mode & 0o777, 0o640)
  assert.deepEqual(readdirSync(directory).toSorted(), ['known_hosts', 'link'])
})

test('rotation leaves a file alone that its user may not write', {
  skip: windows ? 'no modes' : process.getuid?.() === 0 && 'root may write any file',
}, async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  writeFileSync(file, `db1 ${line(first)}\n`, { mode: 0o400 })
  assert.equal(await rotateKnownHost(file, { ...db1, offered: [first, second], proven: [second] }), false)
  assert.equal(readFileSync(file, 'utf8'), `db1 ${line(first)}\n`)
})

test('rotation leaves a file alone that another program has put in place of the one it read', async (context) => {
  const directory = temporaryDirectory(context)
  const file = join(directory, 'known_hosts')
  writeFileSync(file, `db1 ${line(first)}\ndb2 ${line(third)}\n`)
  const rotating = rotateKnownHost(file, { ...db1, offered: [first, second], proven: [second] })
  while (readdirSync(directory).every((name) => name === 'known_hosts' || name.endsWith('-lock'))) await nextTurn()
  // As `ssh-keygen -R db2` does it.
  const other = join(directory, 'other')
  writeFileSync(other, `db1 ${line(first)}\n`)
  renameSync(other, file)
  assert.equal(await rotating, false)
  assert.equal(readFileSync(file, 'utf8'), `db1 ${line(first)}\n`)
  assert.deepEqual(readdirSync(directory), ['known_hosts'])
  assert.equal(await rotateKnownHost(file, { ...db1, offered: [first, second], proven: [second] }), true)
})

test('rotation does not make a file anew that somebody has deleted meanwhile', async (context) => {
  const directory = temporaryDirectory(context)
  const file = join(directory, 'known_hosts')
  writeFileSync(file, `db1 ${line(first)}\n`)
  const rotating = rotateKnownHost(file, { ...db1, offered: [first, second], proven: [second] })
  while (readdirSync(directory).every((name) => name === 'known_hosts' || name.endsWith('-lock'))) await nextTurn()
  rmSync(file)
  assert.equal(await rotating, false)
  assert.deepEqual(readdirSync(directory), [])
})

test('rotation hashes its names where names are hashed', { skip: missing('ssh-keygen') }, async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  writeFileSync(file, `db1 ${line(first)}\n`)
  sshKeygen('-q', '-H', '-f', file)
  assert.ok(await rotateKnownHost(file, { ...db1, offered: [first, second], proven: [second] }))
  const { entries } = parseKnownHosts(readFileSync(file, 'utf8'), file)
  assert.deepEqual(
    entries.map(({ hosts }) => [hosts.form, namesHost(hosts, knownHostsName('db1', 22))]),
    [
      ['hashed', true],
      ['hashed', true],
    ],
  )
})

test('a lock that another process holds is respected; one that a dead process left is not for ever', async (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  const rotation = { ...db1, offered: [first, second], proven: [second] }
  writeFileSync(file, `db1 ${line(first)}\n`)
  writeFileSync(`${file}.holdfast-lock`, '')
  assert.equal(await rotateKnownHost(file, rotation), false)
  assert.equal(await rotateKnownHost(file, rotation), false)
  utimesSync(`${file}.holdfast-lock`, 1e9, 1e9)
  assert.equal(await rotateKnownHost(file, rotation), false, 'removed, for the next one')
  assert.equal(await rotateKnownHost(file, rotation), true)
})

function line(key: PublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`
}
