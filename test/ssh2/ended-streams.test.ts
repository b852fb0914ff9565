/** Streams of files whose client is ended while they close, open or are made ready. An error that nobody hears fails its test. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { SFTPWrapper } from 'holdfast/ssh2'
import { network } from '../promises/support/embedded.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { directory } from './directory.js'
import { type Client, compare, configOf, dropIn, ready, value, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

interface Started {
  readonly client: Client
  readonly sftp: SFTPWrapper
  /** Ends the client; no answer comes from then on, not that to CLOSE either. */
  readonly endUnanswered: () => void
}

async function start(t: TestContext): Promise<Started> {
  const server = await sshd(t, { version: '9.2' })
  const relay = await network(t, server)
  const { host, port } = relay
  const client = await ready(t, dropIn, { ...(await configOf(server)), host, port })
  const endUnanswered = () => {
    relay.stall({ direction: 'toClient' })
    client.end()
  }
  return { client, sftp: await value<SFTPWrapper>((done) => client.sftp(done)), endUnanswered }
}

/** Waits for the end of both, and for what that brings; `once()` would listen for errors. */
async function ended(...emitters: readonly { once(event: 'close', listener: () => void): unknown }[]): Promise<void> {
  const closes = emitters.map((emitter) => new Promise<void>((resolve) => void emitter.once('close', () => resolve())))
  await within(Promise.all(closes), 'close')
  await new Promise(setImmediate)
}

describe('a client that is ended while a stream of its files is open', { skip, timeout: 120_000 }, () => {
  test('ends no program that has read to the end', async (t) => {
    const { client, sftp, endUnanswered } = await start(t)
    const path = join(directory(t), 'file')
    writeFileSync(path, 'x'.repeat(200_000))
    const stream = sftp.createReadStream(path)
    let count = 0
    for await (const chunk of stream) count += (chunk as Buffer).length
    const over = ended(client, stream)
    endUnanswered()
    await over
    assert.equal(count, 200_000)
  })

  test('ends no program whose data have all been written', async (t) => {
    const { client, sftp, endUnanswered } = await start(t)
    const path = join(directory(t), 'file')
    const stream = sftp.createWriteStream(path)
    await new Promise((resolve) => stream.write('x'.repeat(200_000), resolve))
    const over = ended(client, stream)
    stream.end()
    endUnanswered()
    await over
    assert.equal(readFileSync(path).length, 200_000)
  })

  for (const isHeard of [false, true])
    test(`while it finds the end of a file, ${isHeard ? 'tells who listens' : 'ends nobody else'}`, async (t) => {
      const { client, sftp } = await start(t)
      const stream = sftp.createWriteStream(join(directory(t), 'file'), { flags: 'a' })
      const fchmod = sftp.fchmod.bind(sftp)
      sftp.fchmod = (...args: Parameters<typeof fchmod>) => {
        fchmod(...args)
        client.end()
      }
      const over = ended(client, stream)
      const told = isHeard ? once(stream, 'error') : undefined
      const calledBack = new Promise<Error | null | undefined>((resolve) => void stream.write('x', resolve))
      stream.end()
      await over
      const [error] = ((await told) ?? []) as [Error?]
      assert.equal(error?.message, isHeard ? 'No response from server' : undefined)
      const lost = await within(calledBack, 'the callback of what was not written')
      assert.equal(lost?.message, 'No response from server')
    })
})

test('a listener of open that destroys a stream leaves no write without its callback', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const { client, sftp } = await start(t)
  const stream = sftp.createWriteStream(join(directory(t), 'file'))
  stream.on('open', () => stream.destroy())
  const called = ['a', 'b', 'c'].map((data) => new Promise<unknown>((resolve) => void stream.write(data, resolve)))
  for (const error of await within(Promise.all(called), 'the callbacks of writes'))
    assert.equal((error as NodeJS.ErrnoException | undefined)?.code, 'ERR_STREAM_DESTROYED')
  client.end()
})

test('that an empty file cannot be made is told', { skip, timeout: 120_000 }, async (t) => {
  const server = await sshd(t, { version: '9.2' })
  const path = join(directory(t), 'nothing', 'file')
  await compare(t, server, async ({ connect, note }) => {
    const client = await connect()
    const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
    const stream = sftp.createWriteStream(path)
    stream.end()
    const [error] = (await within(once(stream, 'error'), 'the error')) as [Error]
    note('error', error)
  })
})
