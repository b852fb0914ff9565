import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeLimits } from '#src/sftp/extension-data.js'
import type { NameEntry, Reply } from '#src/sftp/replies.js'
import { decodeChannelData } from '#src/wire/connection-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { Writer } from '#src/wire/writer.js'
import { scripted } from '../session/scripted.js'
import { contented, eof, ok, openSftp, scriptedSftp } from './scripted.js'

/** Times on the simulated wire are a few milliseconds later than what sets them off. */
function near(actual: number, expected: number): void {
  assert.ok(actual >= expected && actual < expected + 100, `${actual} ms, not about ${expected} ms`)
}

const attrs: Reply = { type: 'ATTRS', attributes: { size: 5n } }

test('a reply that never comes rejects its call alone, at the limit sftp', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'STAT' ? undefined : contented(request))
  const missing = time.failure(sftp.stat('/lost'))
  await time.value(sftp.unlink('/there'))
  const { error, tookMs } = await missing
  assert.deepEqual(
    [error.code, error.limit, error.limitMs, error.phase],
    ['ERR_SSH_TIMEOUT', 'sftp', 15_000, 'request'],
  )
  assert.match(error.message, /the SFTP reply to stat '\/lost' did not come/)
  near(tookMs, 15_000)
  await time.value(sftp.unlink('/there'))
})

test('any reply is progress for all that wait, for ten limits at the most', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'STAT' ? undefined : contented(request))
  const missing = time.failure(sftp.stat('/lost'))
  for (let second = 10; second <= 300; second += 10)
    time.after(second * 1000, () => void sftp.unlink('/there').catch(() => {}))
  const { error, tookMs } = await missing
  assert.equal(error.limit, 'sftp')
  near(tookMs, 150_000)
})

test('no call that may still go out is said not to have been sent', async () => {
  const { time, server, script, open } = await scriptedSftp()
  const sftp = await open()
  let input = ''
  const before = server.before
  server.before = (payload) => {
    if (payload[0] !== messageNumber.CHANNEL_DATA) return before(payload)
    input += decodeChannelData(payload).data.toString('latin1')
    return true
  }
  const delivery = new Map<string, string | undefined>()
  for (let n = 10; n < 50; n++) {
    const path = `/dir${n}/${'x'.repeat(30_000)}`
    const controller = new AbortController()
    const call = time.failure(sftp.mkdir(path, { signal: controller.signal }))
    controller.abort()
    delivery.set(path, (await call).error.delivery)
  }
  // Those for which the window had no room any more.
  assert.ok([...delivery.values()].includes('not-sent'))
  script.adjust(0, 4_000_000)
  await time.run(1000)
  const came = [...delivery.keys()].filter((path) => input.includes(path))
  assert.ok(came.length > 30)
  for (const path of came) assert.equal(delivery.get(path), 'unknown', path.slice(0, 6))
})

test('what a server may take its time for has two minutes', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['fsync', 'statvfs', 'copyData'] })
  const sftp = await open()
  sftpServer.answer = (request) => (['EXTENDED', 'CLOSE'].includes(request.type) ? undefined : contented(request))
  const handle = await time.value(sftp.open('/file', 'w'))
  await time.value(handle.write('x'))
  const slow = [handle.sync(), sftp.statfs('/'), sftp.copyFile('/a', '/b'), handle.close()]
  for (const { error, tookMs } of await Promise.all(slow.map((call) => time.failure(call)))) {
    assert.equal(error.limitMs, 120_000)
    near(tookMs, 120_000)
  }
})

test('what is asked for behind the way to the disk waits as long as that may take', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['fsync'] })
  const sftp = await open()
  sftpServer.answer = (request) => (['EXTENDED', 'CLOSE'].includes(request.type) ? undefined : contented(request))
  const handle = await time.value(sftp.open('/file', 'r+'))
  const synced = handle.sync()
  const closed = handle.close()
  closed.catch(() => {})
  await time.run(60_000)
  sftpServer.reply(sftpServer.idOf('EXTENDED'), ok)
  sftpServer.reply(sftpServer.idOf('CLOSE'), ok)
  await time.value(synced)
  await time.value(closed)
})

test('an id stays taken until its reply came, which nobody else gets', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = () => undefined
  const signal = new AbortController()
  const given = time.failure(sftp.stat('/given-up', signal))
  const asked = sftp.stat('/asked')
  await time.run(100)
  signal.abort()
  assert.equal((await given).error.code, 'ERR_SSH_ABORTED')
  const [first, second] = sftpServer.requests
  assert.notEqual(first?.id, second?.id)
  sftpServer.reply(first?.id ?? 0, { type: 'ATTRS', attributes: { size: 1n } })
  sftpServer.reply(second?.id ?? 0, attrs)
  assert.equal((await time.value(asked)).size, 5)
})

test('a file that was opened for nobody is closed', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) => (request.type === 'CLOSE' ? ok : undefined)
  await time.failure(sftp.open('/file'))
  await time.failure(sftp.opendir('/'))
  sftpServer.reply(sftpServer.idOf('OPEN'), { type: 'HANDLE', handle: Buffer.from('late file') })
  sftpServer.reply(sftpServer.idOf('OPENDIR'), { type: 'HANDLE', handle: Buffer.from('late directory') })
  await time.run(1000)
  const closed = sftpServer.requests.flatMap(({ request }) =>
    request.type === 'CLOSE' ? [String(request.handle)] : [],
  )
  assert.deepEqual(closed, ['late file', 'late directory'])
})

test('replies may come in any order, and bring less than was asked for', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const contents = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 31) % 251))
  const held: (() => void)[] = []
  sftpServer.answer = (request, id) => {
    if (request.type !== 'READ') return contented(request)
    const offset = Number(request.offset)
    const length = 1 + ((offset * 7 + request.length) % request.length)
    const data = contents.subarray(offset, offset + length)
    held.unshift(() => sftpServer.reply(id, data.length === 0 ? eof : { type: 'DATA', data }))
    time.after(50, () => held.shift()?.())
    return undefined
  }
  assert.ok(contents.equals(await time.value(sftp.readFile('/file'))))
})

test('a transfer keeps no more under way than a window holds, and a session no more than two', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits'] })
  sftpServer.answer = (request) =>
    request.type === 'EXTENDED' ? { type: 'EXTENDED_REPLY', data: limitsOf(262_144n, 261_120n) } : contented(request)
  const sftp = await open()
  const waiting: (() => void)[] = []
  let under = 0
  let most = 0
  sftpServer.answer = (request, id) => {
    if (request.type !== 'WRITE') return contented(request)
    most = Math.max(most, (under += request.data.length))
    waiting.push(() => {
      under -= request.data.length
      sftpServer.reply(id, ok)
    })
    return undefined
  }
  const tick = () => {
    waiting.shift()?.()
    time.after(10, tick)
  }
  time.after(10, tick)
  const files = Array.from({ length: 5 }, (_, index) => sftp.writeFile(`/${index}`, Buffer.alloc(4_000_000)))
  await time.value(Promise.all(files))
  assert.ok(most > 3_000_000 && most <= 4 * 1024 * 1024 + 261_120, `${most} bytes were under way`)
})

test('more calls than a server is asked at a time wait for their turn, and none waits for ever', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const stats = await time.value(Promise.all(Array.from({ length: 5000 }, () => sftp.stat('/'))))
  assert.equal(stats.length, 5000)
  sftpServer.answer = () => undefined
  const asked = sftpServer.requests.length
  const failures = await Promise.all(Array.from({ length: 3000 }, () => time.failure(sftp.stat('/'))))
  for (const { error, tookMs } of failures) {
    assert.equal(error.limit, 'sftp')
    near(tookMs, 15_000)
  }
  assert.equal(sftpServer.requests.length - asked, 1024)
})

test('a call that is given up before its turn is never sent', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const held: (() => void)[] = []
  sftpServer.answer = (request, id) => {
    held.push(() => sftpServer.reply(id, contented(request)))
    return undefined
  }
  const stats = Promise.all(Array.from({ length: 1024 }, () => sftp.stat('/')))
  const giveUp = new AbortController()
  const removal = time.failure(sftp.unlink('/precious', giveUp))
  const last = sftp.lstat('/')
  await time.run(100)
  giveUp.abort()
  sftpServer.answer = contented
  for (const answer of held) answer()
  assert.equal((await removal).error.code, 'ERR_SSH_ABORTED')
  await time.value(stats)
  await time.value(last)
  assert.deepEqual([sftpServer.types.length, sftpServer.types.includes('REMOVE')], [1025, false])
})

test('a call is given up while the closing of its file waits for its turn, and the file is closed in it', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const held: (() => void)[] = []
  sftpServer.answer = (request, id) => {
    if (request.type === 'OPEN') return contented(request)
    held.push(() => sftpServer.reply(id, contented(request)))
    return undefined
  }
  const stop = new AbortController()
  const writing = time.failure(sftp.writeFile('/file', 'x', { signal: stop.signal }))
  await time.run(100)
  const stats = Promise.all(Array.from({ length: 3000 }, () => sftp.stat('/')))
  await time.run(100)
  // The answer to WRITE: CLOSE is behind all that waits.
  held.shift()?.()
  await time.run(100)
  stop.abort()
  const { error, tookMs } = await writing
  assert.deepEqual([error.code, error.delivery], ['ERR_SSH_ABORTED', 'unknown'])
  assert.match(error.message, /the SFTP reply to close '\/file'/)
  near(tookMs, 300)
  assert.ok(!sftpServer.types.includes('CLOSE'))
  sftpServer.answer = contented
  for (const answer of held) answer()
  await time.value(stats)
  await time.run(100)
  assert.equal(sftpServer.types.indexOf('CLOSE'), sftpServer.types.length - 1)
})

test('a server that takes nothing more out of its channel is found out, also by calls that come later', async () => {
  const { time, open, freeze } = await scriptedSftp()
  const sftp = await open()
  freeze()
  const writing = time.failure(sftp.open('/file', 'w'))
  const many = Array.from({ length: 3000 }, (_, index) => time.failure(sftp.stat(`/${'x'.repeat(1000)}${index}`)))
  await time.run(5000)
  const later = time.failure(sftp.stat('/later'))
  for (const { error, tookMs } of await Promise.all([writing, ...many, later])) {
    assert.equal(error.limit, 'sftp')
    assert.ok(tookMs < 16_000, `${tookMs} ms`)
  }
})

test('an answer to what nobody asked ends the session, and the connection lives', async () => {
  const { time, sftpServer, open, client } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = () => undefined
  const pending = time.failure(sftp.stat('/'))
  await time.run(10)
  sftpServer.reply(4_000_000_000, ok)
  const { error } = await pending
  assert.equal(error.code, 'ERR_SSH_SFTP_PROTOCOL')
  assert.match(error.message, /4000000000, which nobody sent/)
  const later = (await time.failure(sftp.stat('/'))).error
  assert.equal(later.cause, error.cause)
  assert.deepEqual([error.delivery, later.delivery], ['unknown', 'not-sent'])
  assert.equal(client.connection.cause, undefined)
})

const hostile: readonly (readonly [what: string, says: RegExp, send: (id: number) => Buffer])[] = [
  ['a packet of 4 GiB', /claims 4294967295 bytes/, () => Buffer.alloc(4, 0xff)],
  ['a packet of nothing', /claims 0 bytes/, () => Buffer.alloc(4)],
  ['an unknown packet', /SFTP packet 99: type is no reply/, (id) => packet(new Writer().byte(99).uint32(id))],
  [
    'a reply cut short',
    /SFTP ATTRS: size needs 8 bytes/,
    (id) => packet(new Writer().byte(105).uint32(id).uint32(1).uint32(1)),
  ],
  [
    'a reply of another kind',
    /answers stat with HANDLE in place of ATTRS/,
    (id) => packet(new Writer().byte(102).uint32(id).string('h')),
  ],
  [
    'a handle of 300 bytes',
    /SFTP HANDLE: handle has 300 bytes/,
    (id) => packet(new Writer().byte(102).uint32(id).string(Buffer.alloc(300))),
  ],
  [
    'a million names',
    /SFTP NAME: count is 1000000/,
    (id) => packet(new Writer().byte(104).uint32(id).uint32(1_000_000)),
  ],
]

for (const [what, says, send] of hostile) {
  test(`${what} ends the session`, async () => {
    const { time, sftpServer, open, client } = await scriptedSftp()
    const sftp = await open()
    sftpServer.answer = (_request, id) => {
      sftpServer.raw(send(id))
      return undefined
    }
    const { error } = await time.failure(sftp.stat('/'), 1000)
    assert.equal(error.code, 'ERR_SSH_SFTP_PROTOCOL')
    assert.match(error.message, says)
    assert.equal(client.connection.cause, undefined)
  })
}

test('more data than was asked for, and no data at all, end the session', async () => {
  for (const length of [0, 32_769]) {
    const { time, sftpServer, open } = await scriptedSftp()
    const sftp = await open()
    sftpServer.answer = (request) =>
      request.type === 'READ' ? { type: 'DATA', data: Buffer.alloc(length) } : contented(request)
    const { error } = await time.failure(sftp.readFile('/'))
    assert.equal(error.code, 'ERR_SSH_SFTP_PROTOCOL')
    assert.match(error.message, new RegExp(`read with ${length} bytes, where 1 to 32768`))
  }
})

test('names that lead out of their directory are refused', async () => {
  for (const name of ['../etc/passwd', '/etc/passwd', 'a/b', 'a\0b', '']) {
    const { time, sftpServer, open } = await scriptedSftp()
    const sftp = await open()
    const entry = { name: Buffer.from(name), longName: Buffer.alloc(0), attributes: {} }
    sftpServer.answer = (request) =>
      request.type === 'READDIR' ? { type: 'NAME', names: [entry] } : contented(request)
    const { error } = await time.failure(sftp.readdir('/'))
    assert.equal(error.code, 'ERR_SSH_SFTP_NAME')
    await time.run(10)
    assert.equal(sftpServer.types.at(-1), 'CLOSE')
  }
})

test('a greeting that is none, of another version, or missing fails the opening', async () => {
  const version = (number: number): Buffer => packet(new Writer().byte(2).uint32(number))
  const cases = [
    [version(2), 'ERR_SSH_UNSUPPORTED'],
    [version(6), 'ERR_SSH_UNSUPPORTED'],
    [packet(new Writer().byte(101).uint32(0).uint32(0)), 'ERR_SSH_SFTP_PROTOCOL'],
    [Buffer.from('Welcome to this machine\n'), 'ERR_SSH_SFTP_PROTOCOL'],
  ] as const
  for (const [greeting, code] of cases) {
    const { time, opening } = await scriptedSftp({ greeting })
    assert.equal((await time.failure(opening)).error.code, code)
  }
  const { time, opening } = await scriptedSftp({ greeting: Buffer.alloc(0) })
  const { error, tookMs } = await time.failure(opening)
  assert.equal(error.limit, 'sftp')
  near(tookMs, 15_000)
})

test('a greeting that is none leaves no session behind, also where it comes with the acceptance', async () => {
  const world = await scripted()
  const { time, sessions, script } = world
  script.requested = (type, channel) => {
    if (type === 'subsystem') script.stdout(channel, 'Welcome to this machine\n')
  }
  assert.equal((await time.failure(openSftp(world))).error.code, 'ERR_SSH_SFTP_PROTOCOL')
  await time.run(5000)
  assert.equal(script.closed.length, 1)
  assert.equal(sessions.stats.open, 0)
})

test('a server that takes a byte at a time is asked for no more at a time for that', async () => {
  const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits'] })
  sftpServer.answer = (request) =>
    request.type === 'EXTENDED' ? { type: 'EXTENDED_REPLY', data: limitsOf(1n, 1n) } : contented(request)
  const sftp = await open()
  let answered = 0
  sftpServer.answer = (request) => {
    if (request.type !== 'READ' && request.type !== 'WRITE') return contented(request)
    if (answered++ >= 100) return undefined
    return request.type === 'WRITE' ? ok : { type: 'DATA', data: Buffer.alloc(1) }
  }
  for (const call of [() => sftp.readFile('/'), () => sftp.writeFile('/', Buffer.alloc(10_000))]) {
    answered = 0
    await time.failure(call())
    assert.ok(sftpServer.requests.length < 500, `${sftpServer.requests.length} requests`)
  }
})

test('a tree is removed although somebody else removes it too', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const listed = new Set<string>()
  let directory = ''
  sftpServer.answer = (request) => {
    if (request.type === 'LSTAT') return { type: 'ATTRS', attributes: { mode: 0o040755 } }
    if (request.type === 'OPENDIR') directory = String(request.path)
    if (request.type === 'READDIR' && !listed.has(directory)) {
      listed.add(directory)
      const inside =
        directory === '/tree' ? [entryOf('gone', 0o100644), entryOf('sub', 0o040755)] : [entryOf('file', 0o100644)]
      return { type: 'NAME', names: inside }
    }
    if (request.type === 'REMOVE') return { type: 'STATUS', code: 2, message: 'No such file' }
    return contented(request)
  }
  await time.value(sftp.rm('/tree', { recursive: true, force: true }))
  const removed = sftpServer.requests.flatMap(({ request }) => (request.type === 'RMDIR' ? [String(request.path)] : []))
  assert.deepEqual(removed, ['/tree/sub', '/tree'])
})

test('a directory that is left early is closed, and nobody waits for that', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const names = ['a', 'b'].map((name) => ({ name: Buffer.from(name), longName: Buffer.alloc(0), attributes: {} }))
  sftpServer.answer = (request) => {
    if (request.type === 'READDIR') return { type: 'NAME', names }
    return request.type === 'CLOSE' ? undefined : contented(request)
  }
  const leave = async () => {
    for await (const { name } of await sftp.opendir('/')) if (name === 'a') throw new RangeError('left')
  }
  const outcome = await time.outcome(leave())
  assert.ok(outcome.status === 'rejected' && outcome.reason instanceof RangeError)
  assert.ok(outcome.atMs < 1000, `${outcome.atMs} ms`)
  await time.run(100)
  assert.equal(sftpServer.types.at(-1), 'CLOSE')
})

test('requests keep to what the server says that it takes, and to reason', async () => {
  const cases = [
    [262_144n, 261_120n, 261_120],
    [0n, 0n, 261_120],
    [2n ** 64n - 1n, 2n ** 63n, 261_120],
    [34_000n, 261_120n, 34_000 - 281],
    [1000n, 100n, 100],
    [1n, 1n, 1],
  ] as const
  for (const [most, data, expected] of cases) {
    const { time, sftpServer, open } = await scriptedSftp({ offers: ['limits'] })
    sftpServer.answer = (request) =>
      request.type === 'EXTENDED' ? { type: 'EXTENDED_REPLY', data: limitsOf(most, data) } : contented(request)
    const sftp = await open()
    await time.value(sftp.readFile('/'))
    await time.value(sftp.writeFile('/', Buffer.alloc(expected + 1)))
    const sizes = sftpServer.requests.flatMap(({ request }) => {
      if (request.type === 'READ') return [request.length]
      return request.type === 'WRITE' ? [request.data.length] : []
    })
    assert.deepEqual(sizes, [expected, expected, 1])
  }
})

const useless: readonly (readonly [what: string, reply: Reply, why: RegExp])[] = [
  ['a refusal', { type: 'STATUS', code: 8, message: 'Operation unsupported' }, /status 8 'Operation unsupported'/],
  ['success and nothing else', ok, /status 0/],
  ['a handle', { type: 'HANDLE', handle: Buffer.from('h') }, /answers with HANDLE/],
  ['a reply cut short', { type: 'EXTENDED_REPLY', data: Buffer.alloc(20) }, /max-write-length/],
  ['a reply that goes on', { type: 'EXTENDED_REPLY', data: Buffer.alloc(40) }, /followed by 8 unexpected bytes/],
]

for (const [what, reply, why] of useless) {
  test(`limits that cannot be used, by ${what}, leave those that every server has`, async () => {
    const { time, sftpServer, open, fallbacks } = await scriptedSftp({ offers: ['limits'] })
    sftpServer.answer = (request) => (request.type === 'EXTENDED' ? reply : contented(request))
    const sftp = await open()
    await time.value(sftp.readFile('/'))
    const sizes = sftpServer.requests.flatMap(({ request }) => (request.type === 'READ' ? [request.length] : []))
    assert.deepEqual(sizes, [32_768])
    assert.equal(fallbacks.length, 1)
    assert.match(fallbacks[0] ?? '', /^limits@openssh\.com: /)
    assert.match(fallbacks[0] ?? '', why)
  })
}

test('what cannot be written leaves the file as it is', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const handle = await time.value(sftp.open('/file', 'w'))
  const asked = sftpServer.requests.length
  for (const data of [42, null, undefined, {}, true] as unknown as string[]) {
    const calls = [
      () => sftp.writeFile('/file', data),
      () => sftp.appendFile('/file', data),
      () => handle.writeFile(data),
    ]
    for (const call of calls) assert.equal((await time.failure(call())).error.code, 'ERR_SSH_OPTION')
  }
  assert.equal(sftpServer.requests.length, asked)
})

test('the end of the server, and of the connection, settle what waits with their cause', async () => {
  const ended = await scriptedSftp()
  const first = await ended.open()
  ended.sftpServer.answer = () => undefined
  const waiting = ended.time.failure(first.stat('/'))
  await ended.time.run(10)
  ended.script.finish(0)
  assert.equal((await waiting).error.code, 'ERR_SSH_CHANNEL_CLOSED')

  const lost = await scriptedSftp()
  const second = await lost.open()
  lost.sftpServer.answer = () => undefined
  const pending = [lost.time.failure(second.stat('/')), lost.time.failure(second.createReadStream('/x').toArray())]
  await lost.time.run(10)
  lost.server.close(new Error('reset'))
  for (const { error } of await Promise.all(pending)) assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
  assert.equal((await lost.time.failure(second.stat('/'))).error.code, 'ERR_SSH_CONNECTION_LOST')
})

test('a write that fails is told, however far the program is', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  sftpServer.answer = (request) =>
    request.type === 'WRITE' && request.offset > 100_000n
      ? { type: 'STATUS', code: 4, message: 'No space left' }
      : contented(request)
  const { error } = await time.failure(sftp.writeFile('/full', Buffer.alloc(10_000_000)))
  assert.equal(error.message, "ERR_SSH_SFTP_FAILURE: No space left, write '/full'")
  await time.run(10)
  assert.equal(sftpServer.types.at(-1), 'CLOSE')
  const stream = sftp.createWriteStream('/full')
  stream.on('error', () => {})
  const failed = new Promise((resolve) => stream.once('close', () => resolve(stream.errored)))
  stream.end(Buffer.alloc(10_000_000))
  assert.match(String(await time.value(failed)), /No space left/)
})

test('a stream to which nothing is written ends with its session, and one that has finished does not', async () => {
  const { time, open, server } = await scriptedSftp()
  const sftp = await open()
  const finished = sftp.createWriteStream('/whole')
  const errors: unknown[] = []
  finished.on('error', (error) => errors.push(error))
  finished.on('finish', () => server.close(new Error('reset')))
  const idle = sftp.createWriteStream('/idle')
  idle.on('error', () => {})
  idle.write('x')
  const closed = new Promise((resolve) => idle.once('close', () => resolve(idle.errored)))
  time.after(1000, () => finished.end('x'))
  assert.match(String(await time.value(closed)), /reset/)
  assert.deepEqual(errors, [])
  assert.equal(finished.writableFinished, true)
  const late = sftp.createWriteStream('/late')
  const failed = new Promise((resolve) => late.once('error', resolve))
  assert.match(String(await time.value(failed)), /reset/)
})

test('a program that never gives what is to be written holds up neither abort nor end', async () => {
  const { time, sftpServer, open, server } = await scriptedSftp()
  const sftp = await open()
  const stop = new AbortController()
  let returns = 0
  const count = (): void => void returns++
  time.after(100, () => stop.abort())
  const { error: aborted } = await time.failure(sftp.writeFile('/x', stalled(count), { signal: stop.signal }))
  assert.equal(aborted.code, 'ERR_SSH_ABORTED')
  await time.run(100)
  assert.equal(sftpServer.types.at(-1), 'CLOSE')
  const handle = await time.value(sftp.open('/y', 'w'))
  time.after(100, () => server.close(new Error('reset')))
  const lost = [sftp.writeFile('/x', stalled(count)), handle.writeFile(stalled(count))]
  for (const { error } of await Promise.all(lost.map((call) => time.failure(call))))
    assert.equal(error.code, 'ERR_SSH_CONNECTION_LOST')
  assert.equal(returns, 3)
})

test('closing a session that hangs is bounded', async () => {
  const { time, open, freeze, script } = await scriptedSftp()
  const sftp = await open()
  freeze()
  script.requested = () => {}
  const outcome = await time.outcome(sftp.close())
  assert.equal(outcome.status, 'fulfilled')
  assert.ok(outcome.status === 'fulfilled' && outcome.atMs < 5100, JSON.stringify(outcome))
})

function limitsOf(most: bigint, data: bigint): Buffer {
  return encodeLimits({ packet: most, read: data, write: data, handles: 0n })
}

function entryOf(name: string, mode: number): NameEntry {
  return { name: Buffer.from(name), longName: Buffer.alloc(0), attributes: { mode } }
}

/** What never gives its next. */
function stalled(returned: () => void): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => {
        returned()
        return { done: true, value: undefined }
      },
    }),
  }
}

function packet(body: Writer): Buffer {
  const bytes = body.finish()
  return new Writer().string(bytes).finish()
}
