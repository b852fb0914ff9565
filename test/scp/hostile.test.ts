/** A server whose scp says anything at all: nothing but what was asked for is touched, and nothing is waited for for ever. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { type Client, CommandError, HoldfastError, ScpError } from 'holdfast'
import { leavesNothing } from '../promises/support/leaks.js'
import { gives, type Part, world } from './peer.js'

leavesNothing()

const file = (name: string, contents = 'abc'): string => `C0644 ${contents.length} ${name}\n${contents}\0`
const tree = (...inside: readonly string[]): string => `D0755 0 tree\n${inside.join('')}E\n`

const names: readonly (readonly [what: string, gives: string])[] = [
  ['another file', file('other')],
  ['a file above', file('../file')],
  ['an absolute file', file('/etc/passwd')],
  ['no name', file('')],
  ['a file in a directory of its own making', file('sub/file')],
]

for (const [what, given] of names) {
  test(`a server that gives ${what} is refused`, async (t) => {
    const { ssh, at, listing } = await world(t, gives(given))
    await assert.rejects(ssh.scp.get('file', at('mine')), { code: 'ERR_SSH_SCP_NAME' })
    await assert.rejects(ssh.scp.read('file'), { code: 'ERR_SSH_SCP_NAME' })
    assert.deepEqual(await listing(), ['own'])
  })
}

for (const name of ['..', '.', '', '../x', '/x', 'a/b', 'a\0b']) {
  test(`an entry of a tree named '${JSON.stringify(name)}' is refused, as file and as directory`, async (t) => {
    for (const inside of [file(name), `D0755 0 ${name}\nE\n`]) {
      const { ssh, at, listing } = await world(t, gives(tree(inside)))
      await assert.rejects(ssh.scp.get('tree', at('mine'), { recursive: true }), { code: 'ERR_SSH_SCP_NAME' })
      assert.deepEqual(await listing(), ['own', 'own/mine'])
    }
  })
}

const broken: readonly (readonly [what: string, says: RegExp, given: string | Buffer])[] = [
  ['more than was asked for', /more than was asked for/, file('file') + file('file')],
  ['a directory after the file', /more than was asked for/, `${file('file')}D0755 0 tree\n`],
  ['a directory in place of the file', /a directory, where a file was asked for/, 'D0755 0 file\n'],
  ['the end of a directory that there is not', /has not begun/, 'E\n'],
  ['more contents than it said', /'cde.x00' came in place of the end of the contents/, 'C0644 2 file\nabcde\0'],
  ['a size below nothing', /is no record/, 'C0644 -1 file\n'],
  ['a size beyond reason', /is no record/, 'C0644 99999999999999999 file\n'],
  ['a size beyond counting', /is no record/, 'C0644 9999999999999999 file\n'],
  ['a size in hex', /is no record/, 'C0644 0x10 file\n'],
  ['a mode that is none', /is no record/, 'C9999 1 file\nx\0'],
  ['a mode too long', /is no record/, 'C00000644 1 file\nx\0'],
  ['an end that goes on', /is no record/, 'Ex\n'],
  ['times that are none', /is no record/, 'Tsoon 0 later 0\n'],
  ['times and no file', /nothing that they are of/, 'T1 0 1 0\nT1 0 1 0\n'],
  ['times and the end', /nothing that they are of/, 'T1 0 1 0\nE\n'],
  ['the text of a login script', /'Wtf is this\?' is no record/, 'Wtf is this?\n'],
  // A word of these has the first letter of a record.
  ...['This account is for tunnels alone', 'Closed for today', 'Do not log in here', 'Either way'].map(
    (words) => ['the words of a forced command', new RegExp(`'${words}' is no record`), `${words}\n`] as const,
  ),
  ['a byte that is no answer', /came in place of what scp gives next/, Buffer.of(7, 65, 10)],
  ['a line that does not end', /does not end within 8192 bytes/, `C0644 1 ${'x'.repeat(100_000)}`],
  ['an error that does not end', /does not end within 8192 bytes/, `\u0001${'x'.repeat(100_000)}`],
]

for (const [what, says, given] of broken) {
  test(`a server that gives ${what} is found out`, async (t) => {
    const { ssh, at, listing } = await world(t, gives(given))
    for (const call of [() => ssh.scp.get('file', at('mine')), () => read(ssh)])
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof HoldfastError)
        assert.equal(error.code, 'ERR_SSH_SCP_PROTOCOL', error.message)
        assert.match(error.message, says)
        return true
      })
    const found = (await listing()).filter((name) => name !== 'own/mine')
    assert.deepEqual(found, ['own'])
    assert.equal((await ssh.exec('x', { timeout: '5s' })).exitCode, 0)
  })
}

test('a directory that does not end is no whole tree', async (t) => {
  const { ssh, at } = await world(t, gives('D0755 0 tree\n', file('a')))
  await assert.rejects(ssh.scp.get('tree', at('mine'), { recursive: true }), /ended before the end of the directory/)
  const nothing = await world(t, gives(''))
  await assert.rejects(nothing.ssh.scp.get('x', nothing.at('x')), /ended before what was asked for came/)
})

test('contents that end early, and those of which the server says that they are wrong, are not left', async (t) => {
  const cases = ['C0644 10 file\nabc', 'C0644 3 file\nabc\u0001scp: file: read error\n', 'C0644 2 file\nabcde\0']
  for (const given of cases) {
    const { ssh, at } = await world(t, gives(given))
    await assert.rejects(ssh.scp.get('file', at('mine')), /read error|ended before the contents|came in place/)
    assert.equal((await stat(at('mine'))).size, 0)
    await assert.rejects(read(ssh), /read error|ended before the contents|came in place/)
  }
})

test('a server makes no program that runs as its owner, and nothing that others may write meanwhile', async (t) => {
  const { ssh, at } = await world(t, gives('T5 0 5 0\nC7755 3 file\nabc\0'))
  let during = 0
  await ssh.scp.get('file', at('mine'), { progress: () => void stat(at('mine')).then(({ mode }) => (during = mode)) })
  assert.equal((await stat(at('mine'))).mode & 0o7777, 0o755)
  assert.equal(during & 0o7177, during & 0o044)
  const plain = await world(t, gives('C7777 3 file\nabc\0'))
  await plain.ssh.scp.get('file', plain.at('mine'), { preserve: false })
  assert.equal((await stat(plain.at('mine'))).mode & 0o7111, 0)
})

test('nothing is written through a link that stands in a tree', async (t) => {
  const inside: readonly (readonly [link: string, given: string])[] = [
    ['sub', `D0755 0 sub\n${file('x')}E\n`],
    ['x', file('x')],
  ]
  for (const [link, given] of inside) {
    const { ssh, at, listing } = await world(t, gives(tree(given)))
    await mkdir(at('mine'))
    await mkdir(at('../elsewhere'))
    await symlink(link === 'sub' ? '../../elsewhere' : '../../elsewhere/x', at(`mine/${link}`))
    await assert.rejects(ssh.scp.get('tree', at('mine'), { recursive: true }), { code: 'ERR_SSH_SCP_LOCAL' })
    assert.deepEqual(await listing(), ['elsewhere', 'own', 'own/mine', `own/mine/${link}`])
  }
})

test('a file goes to where a link leads that somebody names', async (t) => {
  const { ssh, at } = await world(t, gives(file('file')))
  await writeFile(at('target'), 'old and longer')
  await symlink('target', at('link'))
  await ssh.scp.get('file', at('link'))
  assert.equal(await readFile(at('target'), 'utf8'), 'abc')
})

test('names that are not UTF-8 are left out, with all that is below, and the rest comes', async (t) => {
  const name = Buffer.of(0xe4)
  const given = Buffer.concat([
    ...['D0755 0 tree\n', 'C0644 3 ', name, '\nabc\0', 'D0755 0 ', name, '\n', file('x'), 'E\n', file('y'), 'E\n'].map(
      (piece) => Buffer.from(piece),
    ),
  ])
  const { ssh, at, listing } = await world(t, gives(given))
  const { files, skipped } = await ssh.scp.get('tree', at('mine'), { recursive: true })
  assert.deepEqual([files, skipped.map(({ why }) => why)], [1, ['its name is not UTF-8', 'its name is not UTF-8']])
  assert.deepEqual(await listing(), ['own', 'own/mine', 'own/mine/y'])
})

test('a server that gives very many small things at once leaves the program its turns', async (t) => {
  const count = 40_000
  const unnamed = Buffer.concat([Buffer.from('D0755 0 '), Buffer.of(0xe4), Buffer.from('\n')])
  const given = Buffer.concat([Buffer.from('D0755 0 tree\n'), unnamed, Buffer.from('D0755 0 a\nE\n'.repeat(count))])
  const { ssh, at } = await world(t, gives(given, 'E\nE\n'))
  const started = performance.now()
  let last = started
  let longest = 0
  let isOver = false
  const tick = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(tick)
  }
  tick()
  await ssh.scp.get('tree', at('mine'), { recursive: true })
  isOver = true
  const wholeMs = performance.now() - started
  assert.ok(longest < wholeMs / 4, `a turn took ${longest} ms of ${wholeMs} ms`)
})

test('what the server could not read of a tree ends it, in its own words', async (t) => {
  for (const status of ['\u0001', '\u0002']) {
    const given = `D0700 0 tree\n${file('a')}${status}scp: tree/secret: Permission denied\n${file('b')}E\n`
    const { ssh, at } = await world(t, gives(given))
    await assert.rejects(ssh.scp.get('tree', at('mine'), { recursive: true }), (error) => {
      assert.ok(error instanceof ScpError)
      assert.deepEqual([error.code, error.path], ['ERR_SSH_SCP_FAILURE', 'tree'])
      assert.match(error.message, /tree\/secret: Permission denied/)
      return true
    })
  }
})

test('a server that has no scp, or whose scp ends early, is told of with what it says', async (t) => {
  const missing = await world(t, async () => 127)
  await assert.rejects(missing.ssh.scp.get('x', missing.at('x')), { code: 'ERR_SSH_UNSUPPORTED' })
  await assert.rejects(missing.ssh.scp.put(await some(missing.at), 'x'), { code: 'ERR_SSH_UNSUPPORTED' })
  const early = await world(t, async () => 3)
  await assert.rejects(
    early.ssh.scp.put(await some(early.at), 'x'),
    /ended before the beginning of scp came, with exit code 3/,
  )
  const late = await world(t, async ({ say, hear }) => {
    await say('\0\0\0')
    await hear(Number.POSITIVE_INFINITY)
    return 5
  })
  await assert.rejects(late.ssh.scp.put(await some(late.at), 'x', { preserve: false }), /it ended, with exit code 5/)
})

test('answers before anything was asked are no answers', async (t) => {
  const { ssh, at } = await world(t, async ({ say, hear }) => {
    await say('\0'.repeat(50))
    await hear(Number.POSITIVE_INFINITY)
    return 0
  })
  await assert.rejects(ssh.scp.put(await some(at), 'x'), { code: 'ERR_SSH_SCP_PROTOCOL' })
})

/** Each stops for ever where it stands. */
const stops: readonly (readonly [where: string, way: 'put' | 'get', part: Part])[] = [
  ['before it says anything', 'put', ({ frozen }) => frozen()],
  ['before it gives anything', 'get', ({ frozen }) => frozen()],
  ['in a line', 'get', after('C0644 10 fi')],
  ['in the contents', 'get', after('C0644 10 file\nabc')],
  ['behind the contents', 'get', after('C0644 3 file\nabc')],
  ['behind everything', 'get', after(file('file'))],
  ['before it answers for the file', 'put', after('\0')],
  ['before it answers for the contents', 'put', after('\0\0')],
  ['behind everything that came', 'put', after('\0\0\0')],
]

for (const [where, way, part] of stops) {
  test(`a scp that is frozen ${where} is reported by the limit on what it does: ${way}`, async (t) => {
    const { ssh, at } = await world(t, part)
    const started = performance.now()
    const options = { idleTimeout: '300ms', preserve: false } as const
    const call = way === 'put' ? ssh.scp.put(await some(at), 'x', options) : ssh.scp.get('file', at('y'), options)
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof CommandError, String(error))
      assert.deepEqual([error.code, error.limit, error.limitMs], ['ERR_SSH_TIMEOUT', 'idleTimeout', 300])
      assert.match(error.message, /of scp|scp gives|contents of|answer to/)
      assert.equal(error.remote, 'terminated')
      return true
    })
    const tookMs = performance.now() - started
    assert.ok(tookMs > 290 && tookMs < 10_000, `${tookMs} ms`)
    assert.equal(ssh.liveness.state, 'alive')
  })
}

test('a scp that stops reading is reported too', async (t) => {
  const stuck = await world(t, async ({ say, hear, frozen }) => {
    await say('\0\0')
    await hear(100_000)
    return frozen()
  })
  await writeFile(stuck.at('big'), Buffer.alloc(4_000_000))
  const options = { idleTimeout: '500ms', preserve: false } as const
  await assert.rejects(stuck.ssh.scp.put(stuck.at('big'), 'x', options), { limit: 'idleTimeout' })
})

test('what is wrong is told before anything is run', async (t) => {
  const { ssh, at, commands } = await world(t, gives())
  const wrong: readonly (() => Promise<unknown>)[] = [
    () => ssh.scp.get('', at('x')),
    () => ssh.scp.get('a\nb', at('x')),
    () => ssh.scp.get('a\0b', at('x')),
    () => ssh.scp.put(at('x'), 'a\nb'),
    () => ssh.scp.get('a', ''),
    () => ssh.scp.get('a', at('x'), { recursive: 'yes' as unknown as boolean }),
    () => ssh.scp.get('a', at('x'), { preserve: 1 as unknown as boolean }),
    () => ssh.scp.get('a', at('x'), { idleTimeout: 0 }),
    () => ssh.scp.get('a', at('x'), { progress: 1 as unknown as () => void }),
    () => ssh.scp.get('a', at('x'), { resume: true } as object),
    () => ssh.scp.get('a', at('x'), { mode: 0o600 } as object),
    async () => ssh.scp.put(await some(at), 'x', { mode: 0o1777 }),
    async () => ssh.scp.put(await some(at), 'x', { mode: 'rwx' }),
    async () => ssh.scp.put(await some(at), '..'),
    () => ssh.scp.put(at(''), 'x'),
  ]
  for (const call of wrong) await assert.rejects(call(), { code: 'ERR_SSH_OPTION' }, String(call))
  assert.deepEqual(commands, [])
})

test('what a progress function throws ends the transfer, and is what its caller gets', async (t) => {
  const { ssh, at } = await world(t, after('C0644 10 file\nabc'))
  await assert.rejects(ssh.scp.get('file', at('x'), { progress: throws }), new RangeError('mine'))
})

test('the loss of the connection is told as for any command', async (t) => {
  const { ssh, at } = await world(t, after('C0644 10 file\nabc'))
  const call = ssh.scp.get('file', at('x'), { progress: () => void ssh.close() })
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof CommandError)
    assert.deepEqual([error.code, error.remote], ['ERR_SSH_CLOSED', 'unknown'])
    return true
  })
})

test('a file that changes while it is sent is no success', async (t) => {
  const { ssh, at } = await world(t, async ({ say, hear }) => {
    await say('\0\0\0')
    await hear(Number.POSITIVE_INFINITY)
    return 0
  })
  for (const change of ['grown and longer', '']) {
    await writeFile(at('x'), Buffer.alloc(200_000))
    // At once: a write that is only begun may come after the end, when it changes nothing any more.
    const progress = (): void => writeFileSync(at('x'), change)
    await assert.rejects(ssh.scp.put(at('x'), 'x', { preserve: false, progress }), { code: 'ERR_SSH_SCP_CHANGED' })
  }
})

test('a FIFO in the place of a file is not waited for', { skip: process.platform === 'win32' }, async (t) => {
  const { ssh, at } = await world(t, gives(file('file')))
  execFileSync('mkfifo', [at('mine')])
  await assert.rejects(ssh.scp.get('file', at('mine')), { code: 'ERR_SSH_SCP_LOCAL' })
})

test('what a directory has whose name is not text is passed over, however deep it goes', async (t) => {
  const depth = 5000
  const deep = [Buffer.from('D0755 0 \xff\n'.repeat(depth), 'latin1'), file('deep'), 'E\n'.repeat(depth)]
  const inside = Buffer.concat(deep.map((piece) => Buffer.from(piece)))
  const { ssh, at, listing } = await world(t, gives('D0755 0 tree\n', inside, file('after'), 'E\n'))
  const { files, skipped } = await ssh.scp.get('tree', at('mine'), { recursive: true })
  assert.deepEqual([files, skipped.length], [1, 1])
  assert.deepEqual(await listing(), ['own', 'own/mine', 'own/mine/after'])
})

function throws(): never {
  throw new RangeError('mine')
}

function after(given: string): Part {
  return async ({ say, frozen }) => {
    await say(given)
    return frozen()
  }
}

async function some(at: (name: string) => string): Promise<string> {
  await writeFile(at('some'), 'abc')
  return at('some')
}

/** What a stream has of a file, up to its end. */
async function read(ssh: Client): Promise<string> {
  return text(await ssh.scp.read('file'))
}
