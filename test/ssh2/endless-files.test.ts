// A server that never ends a listing, where ssh2 would fill all memory there is.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FileEntry, SFTPWrapper } from 'holdfast/ssh2'
import type { Reply } from '#src/sftp/replies.js'
import { server } from '../promises/support/embedded.js'
import { contented, SftpScript } from '../sftp/scripted.js'
import { dropIn, outcome, ready, value, within } from './record.js'

/** An SFTP session with a server that answers each READDIR so, and what it was asked for. */
async function listing(t: TestContext, readdir: () => Reply): Promise<{ sftp: SFTPWrapper; asked: string[] }> {
  const asked: string[] = []
  const { host, port } = await server(t, {
    subsystems: {
      sftp: async ({ stdin, stdout }) => {
        const script = new SftpScript({}, (bytes) => stdout.write(bytes))
        script.answer = (request) => {
          asked.push(request.type)
          return request.type === 'READDIR' ? readdir() : contented(request)
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
  const { sftp, asked } = await listing(t, () => ({
    type: 'NAME',
    names: [{ name: Buffer.from('name'), longName, attributes: { mode: 0o100644 } }],
  }))
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
