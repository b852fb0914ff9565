/** A server that says anything at all: whatever is asked of it ends, and hurts nobody but its own session. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError, type Sftp } from 'holdfast'
import { encodeReply, type NameEntry, type Reply } from '#src/sftp/replies.js'
import type { Request } from '#src/sftp/requests.js'
import { mutate } from '../fuzz/mutate.js'
import { Random } from '../support/core/random.js'
import { contented, scriptedSftp } from './scripted.js'

const seeds = 40

test('a directory of nothing but . is not read for ever', async () => {
  const { time, sftpServer, open } = await scriptedSftp()
  const sftp = await open()
  const dot: NameEntry = { name: Buffer.from('.'), longName: Buffer.alloc(0), attributes: {} }
  sftpServer.answer = (request) => (request.type === 'READDIR' ? { type: 'NAME', names: [dot] } : contented(request))
  assert.equal((await time.failure(sftp.readdir('/'))).error.code, 'ERR_SSH_SFTP_PROTOCOL')
})

for (let seed = 1; seed <= seeds; seed++) {
  test(`replies of every kind, wrong ones among them, seed ${seed}`, async () => {
    const random = new Random(seed)
    const { time, client, sftpServer, open } = await scriptedSftp({ offers: ['statvfs', 'posixRename', 'expandPath'] })
    const sftp = await open()
    sftpServer.answer = (request, id) => {
      if (random.once(12)) return undefined
      const reply = random.once(6) ? anyReply(random) : plausible(request, random)
      const packet = encodeReply(random.once(40) ? random.word() : id, reply)
      sftpServer.raw(random.once(10) ? mutate(packet, random) : packet)
      return undefined
    }
    const settled = await time.value(Promise.allSettled(calls(sftp, random)))
    for (const outcome of settled) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof HoldfastError, String(outcome.reason))
    }
    await time.value(sftp.close())
    assert.equal(client.connection.cause, undefined)
  })
}

function calls(sftp: Sftp, random: Random): Promise<unknown>[] {
  const kinds: readonly (() => Promise<unknown>)[] = [
    () => sftp.readFile('/a'),
    () => sftp.writeFile('/a', Buffer.alloc(random.below(200_000))),
    () => sftp.createReadStream('/a').toArray(),
    () => sftp.readdir('/'),
    () => sftp.stat('/'),
    () => sftp.realpath('.'),
    () => sftp.expandPath('~'),
    () => sftp.statfs('/'),
    () => sftp.rename('/a', '/b'),
    () => sftp.mkdir('/a/b/c', { recursive: true }),
    () => sftp.exists('/a'),
    () => sftp.open('/a', 'a').then((handle) => handle.close()),
  ]
  return Array.from({ length: 30 }, () => random.pick(kinds)())
}

/** Of the right kind; how much there is of a file or a directory is left to chance. */
function plausible(request: Request, random: Random): Reply {
  const { type } = request
  if (type === 'READ' && !random.once(4)) return { type: 'DATA', data: random.bytes(1 + random.below(request.length)) }
  if (type === 'READDIR' && !random.once(3)) return { type: 'NAME', names: names(random) }
  if (type === 'REALPATH' || type === 'EXTENDED') return { type: 'NAME', names: names(random).slice(0, 1) }
  return contented(request)
}

function anyReply(random: Random): Reply {
  return random.pick<Reply>([
    { type: 'STATUS', code: random.below(10), message: random.bytes(random.below(20)).toString('latin1') },
    { type: 'HANDLE', handle: random.bytes(random.below(257)) },
    { type: 'DATA', data: random.bytes(random.below(50_000)) },
    { type: 'NAME', names: names(random) },
    { type: 'ATTRS', attributes: { size: 2n ** 64n - 1n, mode: random.word() } },
    { type: 'EXTENDED_REPLY', data: random.bytes(random.below(100)) },
  ])
}

function names(random: Random): NameEntry[] {
  const choices = ['a', 'b', '.', '..', 'ä', '../a', '', 'a\0']
  return Array.from({ length: random.below(4) }, () => {
    const name = Buffer.from(random.once(5) ? random.pick(choices) : 'entry')
    return { name, longName: name, attributes: { mode: random.pick([0o100644, 0o040755, 0o120777]) } }
  })
}
