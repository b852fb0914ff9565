// A server that never ends a listing, where ssh2 would fill all memory there is.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FileEntry, SFTPWrapper } from 'holdfast/ssh2'
import type { Reply } from '#src/sftp/replies.js'
import { server } from '../promises/support/embedded.js'
import { contented, SftpScript } from '../sftp/scripted.js'
import { dropIn, outcome, ready, value, within } from './record.js'

/** An SFTP session with a server that answers some requests so, and what it was asked for. */
async function listing(
  t: TestContext,
  endless: (type: string) => Reply | undefined,
): Promise<{ sftp: SFTPWrapper; asked: string[] }> {
  const asked: string[] = []
  const { host, port } = await server(t, {
    subsystems: {
      sftp: async ({ stdin, stdout }) => {
        const script = new SftpScript({}, (bytes) => stdout.write(bytes))
        script.answer = (request) => {
          asked.push(request.type)
          return endless(request.type) ?? contented(request)
        }
        for await (const bytes of stdin as AsyncIterable<Buffer>) script.receive(bytes)
      },
    },
  })
  const client = await ready(t, dropIn, { host, port, username: 'deploy', password: 'secret' })
  return { sftp: await value<SFTPWrapper>((done) => client.sftp(done)), asked }
}

test('a listing that never ends is given up, and its directory closed', { timeout: 180_000 }, async (t) => {
  const longName = Buffer.alloc(100_000, 'x')
  const { sftp, asked } = await listing(t, (type) =>
    type === 'READDIR'
      ? { type: 'NAME', names: [{ name: Buffer.from('name'), longName, attributes: { mode: 0o100644 } }] }
      : undefined,
  )
  const error = await within(
    outcome<FileEntry[]>((done) => sftp.readdir('/endless', done)),
    'the end of the listing',
    150_000,
  )
  assert.ok(error instanceof Error)
  assert.equal((error as Error & { code: string }).code, 'ERR_SSH_MAX_BUFFER')
  assert.match(error.message, /'\/endless' has more than maxBuffer/)
  assert.equal(asked.at(-1), 'CLOSE')
})

test('a file that has neither size nor end is given up, and closed', { timeout: 180_000 }, async (t) => {
  const data = Buffer.alloc(8192)
  const { sftp, asked } = await listing(t, (type) => {
    if (type === 'FSTAT') return { type: 'ATTRS', attributes: { size: 0n } }
    return type === 'READ' ? { type: 'DATA', data } : undefined
  })
  const error = await within(
    outcome<string | Buffer>((done) => sftp.readFile('/dev/zero', done)),
    'the end of the file',
    150_000,
  )
  assert.ok(error instanceof Error)
  assert.equal((error as Error & { code: string }).code, 'ERR_SSH_MAX_BUFFER')
  assert.match(error.message, /'\/dev\/zero' has more than maxBuffer/)
  assert.equal(asked.at(-1), 'CLOSE')
})
