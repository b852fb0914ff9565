import assert from 'node:assert/strict'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { describe, test } from 'node:test'
import type { Channel, ExecOptions, SFTPWrapper } from 'holdfast/ssh2'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { sshd } from '../session/sshd.js'
import { HeldSocket } from './held-socket.js'
import { type Client, compare, outcome, type Stage, value } from './record.js'

const skip = skipReason(await prepareSshd('9.2'))

/** Notes all that a stream shows, until it is closed. */
async function watch(stream: Channel, line: string, note: Stage['note']): Promise<void> {
  const closed = once(stream, 'close')
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  stream.on('data', (chunk: Buffer) => out.push(chunk))
  stream.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  for (const event of ['exit', 'close']) stream.on(event, (...args: unknown[]) => note(line, event, ...args))
  for (const event of ['end', 'finish', 'error'])
    stream.on(event, (...args: unknown[]) => note(`${line} ${event}`, ...args))
  stream.stderr.on('end', () => note(`${line} stderr end`))
  await closed
  note(`${line} output`, Buffer.concat(out), Buffer.concat(err))
}

/** As programs do it, the listeners are there when the callback returns: ssh2 tells at once of an end that came in the same read. */
function run(client: Client, note: Stage['note'], command: string, options: ExecOptions = {}, input?: string) {
  return new Promise<void>((resolve) => {
    client.exec(command, options, (error, stream) => {
      if (error !== undefined) {
        note(command, error)
        resolve()
        return
      }
      resolve(watch(stream, command, note))
      if (input !== undefined) stream.end(input)
    })
  })
}

describe('commands over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('exec: output, input, exit codes and signals', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { AcceptEnv: 'LANG_OF_TEST' } })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      await run(client, note, 'echo out; echo err >&2; exit 3')
      await run(client, note, 'true')
      await run(client, note, 'kill -TERM $$')
      await run(client, note, 'kill -SEGV $$')
      await run(client, note, 'cat; echo done', {}, 'what is given')
      await run(client, note, 'wc -c', {}, 'x'.repeat(300_000))
      await run(client, note, 'head -c 3000000 /dev/zero | tr "\\0" x | wc -c')
      await run(client, note, 'stty size; echo $TERM', { pty: { rows: 11, cols: 33, term: 'vt220' } })
      await run(client, note, 'stty size; echo $TERM', { pty: true })
      await run(client, note, 'echo "[$LANG_OF_TEST]"', { env: { LANG_OF_TEST: 'x y', OTHER: 'z' } })
      await run(client, note, 'exec 1>&- 2>&-; sleep 0.1; exit 4')
      await run(client, note, 'cat', { allowHalfOpen: false }, 'half')
      await run(client, note, 'no-such-command-at-all')
    })
  })

  test('exec: answer, output and end in one read', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const sock = await HeldSocket.to(server)
      const client = await connect({ sock })
      // What else is said on a new connection is over by then.
      await run(client, note, 'echo first')
      for (const command of ['echo out; echo err >&2; exit 3', 'true', 'kill -TERM $$']) {
        // The answer is that the channel is open; upon it the command is asked for.
        sock.holdAfterAnswer()
        await run(client, note, command)
      }
    })
  })

  test('exec: what the server refuses', async (t) => {
    const config = { PermitTTY: 'no', MaxSessions: 1, AllowAgentForwarding: 'no' }
    const server = await sshd(t, { version: '9.2', config })
    await compare(t, server, async ({ connect, note }) => {
      await run(await connect(), note, 'true', { pty: true })
      const client = await connect()
      const held = await value<Channel>((done) => client.exec('cat', done))
      note('one too many', await outcome((done) => client.exec('true', done)))
      note('no subsystem', await outcome((done) => client.sftp(done)))
      held.close()
      await once(held.resume(), 'close')
      note('no such subsystem', await outcome((done) => client.subsys('nothing', done)))
      note('forward', await outcome((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 1, done)))
    })
  })

  test('shell, signal and window', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const plain = await value<Channel>((done) => client.shell(false, done))
      const watched = watch(plain, 'shell without terminal', note)
      plain.end('echo "in $0"; exit 5\n')
      await watched
      note('subtype', plain.type, plain.subtype)
      const shell = await value<Channel>((done) => client.shell({ rows: 20, cols: 70, term: 'dumb' }, done))
      let text = ''
      shell.on('data', (chunk: Buffer) => (text += chunk.toString()))
      shell.setWindow(31, 91, 0, 0)
      shell.end('stty size; exit\n')
      await once(shell, 'close')
      note('size', /\n(\d+ \d+)\r/.exec(text)?.[1])
      const sleeping = await value<Channel>((done) => client.exec('echo there; exec sleep 30000', done))
      const ended = watch(sleeping, 'signalled', note)
      // sshd signals a process group, which there is not yet when it says that the command runs.
      await once(sleeping, 'data')
      sleeping.signal('SIGTERM')
      await ended
    })
  })

  test('what a program may do to a stream', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const closed = await value<Channel>((done) => client.exec('cat', done))
      const watched = watch(closed, 'closed', note)
      closed.write('x')
      closed.close()
      await watched
      const destroyed = await value<Channel>((done) => client.exec('cat', done))
      const watchedToo = watch(destroyed, 'destroyed', note)
      destroyed.destroy()
      await watchedToo
      note('states', destroyed.incoming.state, destroyed.outgoing.state, destroyed.writable, destroyed.readable)
      // More than the window that the far side grants at first, and than ssh2 lets wait.
      const full = await value<Channel>((done) => client.exec('sleep 30000', done))
      note('backpressure', full.write(Buffer.alloc(1024)), full.write(Buffer.alloc(8 * 1024 * 1024)))
      full.destroy()
      const drained = await value<Channel>((done) => client.exec('cat > /dev/null', done))
      note('before drain', drained.write(Buffer.alloc(6 * 1024 * 1024)))
      await once(drained, 'drain')
      drained.resume().end()
      await once(drained, 'close')
    })
  })

  test('what a stream shows of itself', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const stream = await value<Channel>((done) => client.exec('cat > /dev/null', done))
      const sftp = await value<SFTPWrapper>((done) => client.sftp(done))
      for (const each of [client, stream, stream.stderr, sftp]) note('class', each.constructor.name)
      note('high-water mark', stream.writableHighWaterMark)
      note('write', stream.write('text'), stream.writableLength)
      stream.destroy()
      sftp.end()
    })
  })

  test('finished() tells whether the program ended it', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const seen = await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      for (const isEnded of [false, true]) {
        const stream = await value<Channel>((done) => client.exec('sleep 0.1; echo said', done))
        const told = finished(stream.resume()).then(
          () => 'finished',
          (error: unknown) => error,
        )
        if (isEnded) stream.end()
        note('outcome', await told)
      }
    })
    assert.equal(seen['outcome']?.[1], 'finished')
  })

  test('close is told before the end of stderr, and after all that it brought', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const seen = await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const stream = await value<Channel>((done) => client.exec('head -c 300000 /dev/zero >&2', done))
      const ended = once(stream.stderr, 'end')
      let length = 0
      stream.stderr.on('data', (chunk: Buffer) => (length += chunk.length))
      stream.stderr.on('end', () => note('order', 'stderr end'))
      stream.resume().on('close', () => note('order', 'close', length))
      await ended
    })
    assert.deepEqual(seen['order'], [['close', 300_000], 'stderr end'])
  })

  test('a stream that is read late loses nothing', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      const stream = await value<Channel>((done) => client.exec('head -c 5000000 /dev/zero; exit 7', done))
      await new Promise((resolve) => setTimeout(resolve, 300))
      let length = 0
      for await (const chunk of stream as AsyncIterable<Buffer>) length += chunk.length
      note('length', length)
    })
  })
})
