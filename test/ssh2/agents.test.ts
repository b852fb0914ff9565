// The agents of programs, to log in with and to lend, and X11: over the drop-in as over ssh2.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { Channel, ExecOptions, ParsedKey } from 'holdfast/ssh2'
import { Deferred } from '#src/liveness/deferred.js'
import { startAgent } from '../servers/agent.js'
import { skipReason } from '../servers/availability.js'
import { prepareSshd } from '../servers/sshd.js'
import { installTools } from '../servers/tools.js'
import { sshd } from '../session/sshd.js'
import { ed25519Pair } from '../support/ssh2-key-pair.js'
import { compareOwn, utils } from './own-server.js'
import { type Client, compare, configOf, dropIn, original, ready, value, within } from './record.js'

const skip = skipReason(await prepareSshd('9.2')) || skipReason(await installTools(['ssh-agent', 'ssh-add']))

type StreamCallback = (error?: Error | null, stream?: Duplex) => void

async function said(client: Client, command: string, options: ExecOptions = {}): Promise<string> {
  const stream = await value<Channel>((done) => client.exec(command, options, done))
  return await text(stream)
}

/** What is lent to a command, as it sees it. */
const lent = 'echo "${SSH_AUTH_SOCK:+an agent}"; ssh-add -l 2>/dev/null | cut -d" " -f2'

describe('agents over the drop-in and over ssh2', { skip, timeout: 120_000 }, () => {
  test('is lent to all commands, or to those that ask', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const agent = await startAgent([server.clientKeys.ed25519.privateKey, server.clientKeys.rsa.privateKey])
    t.after(() => agent.stop())
    const seen = await compare(t, server, async ({ connect, note }) => {
      const all = await connect({ agent: agent.socket, agentForward: true })
      note('all', await Promise.all([said(all, lent), said(all, lent)]))
      const some = await connect({ agent: agent.socket })
      note('none', await said(some, lent))
      note('some', await said(some, lent, { agentForward: true }))
      const shell = await value<Channel>((done) => some.shell(false, { env: {}, agentForward: true }, done))
      shell.end(lent)
      note('shell', await text(shell))
    })
    assert.match(String(seen['some']), /^an agent\n(?:SHA256:\S+\n)+$/)
  })

  test('by the stream that its own class makes', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    const agent = await startAgent([server.clientKeys.ed25519.privateKey])
    t.after(() => agent.stop())
    await compare(t, server, async ({ ssh2, connect, note }) => {
      class Counting extends ssh2.OpenSSHAgent {
        override getStream(cb: (error?: Error | null, stream?: Duplex) => void): void {
          note('asked for', 1)
          super.getStream(cb)
        }
      }
      const counted = await connect({ agent: new Counting(agent.socket), agentForward: true })
      note('lent', await said(counted, lent))
      class Refusing extends ssh2.OpenSSHAgent {
        override getStream(cb: (error?: Error | null, stream?: Duplex) => void): void {
          cb(new Error('not today'))
        }
      }
      const refused = await connect({ agent: new Refusing(agent.socket), agentForward: true })
      note('refused', await said(refused, lent))
    })
  })

  test('the stream that its class makes is over with the connection, whenever it comes', async (t) => {
    const server = await sshd(t, { version: '9.2' })
    for (const comes of ['at once', 'after the end']) {
      // It answers nothing, and reads nothing on.
      const stream = new Duplex({ read: () => {}, write: () => {} })
      const over = new Promise<void>((resolve) => stream.once('close', () => resolve()))
      const asked = new Deferred<StreamCallback>()
      class Silent extends dropIn.OpenSSHAgent {
        override getStream(cb: StreamCallback): void {
          asked.resolve(cb)
        }
      }
      const agent = new Silent('/nowhere')
      const client = await ready(t, dropIn, { ...(await configOf(server)), agent, agentForward: true })
      const command = await value<Channel>((done) => client.exec(lent, done))
      const answer = await within(asked.promise, 'the question for a stream')
      if (comes === 'at once') answer(null, stream)
      const ended = new Promise<void>((resolve) => client.once('close', () => resolve()))
      command.resume()
      client.end()
      await within(ended, 'close')
      if (comes === 'after the end') answer(null, stream)
      await within(over, `the end of a stream that comes ${comes}`)
    }
  })

  test('an X11 connection, and what is asked for', async (t) => {
    const server = await sshd(t, { version: '9.2', config: { X11Forwarding: 'yes' } })
    // Where sshd finds no xauth, it gives no display; then there is nothing to compare but that.
    await compare(t, server, async ({ connect, note }) => {
      const client = await connect()
      note('true', (await said(client, 'echo "${DISPLAY:+a display}"', { x11: true })).trim())
      note('number', (await said(client, 'echo "${DISPLAY:+a display}"', { x11: 1 })).trim())
    })
  })
})

test('an agent that is a class of the program, with keys as bytes, signs with what its ssh2 reads', async (t) => {
  const key = utils.parseKey(ed25519Pair().private) as unknown as ParsedKey
  await compareOwn(t, {
    serve: (connection, seen) => {
      connection.on('authentication', (context) => {
        if (context.method !== 'publickey') context.reject()
        else if (context.signature === undefined) context.accept()
        else {
          seen.push(key.verify(context.blob ?? Buffer.alloc(0), context.signature))
          context.accept()
        }
      })
    },
    configure: (library, seen) => {
      class Own extends library.BaseAgent {
        override getIdentities(cb: (error: Error | null, keys: Buffer[]) => void): void {
          cb(null, [key.getPublicSSH()])
        }
        override sign(
          publicKey: ParsedKey,
          data: Buffer,
          _options: unknown,
          cb?: (error: Error | null, made: Buffer) => void,
        ): void {
          const read = utils.parseKey(publicKey as never)
          seen.push(read instanceof Error ? read.message : read.type)
          cb?.(null, key.sign(data) as Buffer)
        }
      }
      return { agent: new Own() }
    },
    play: (client) => void client.on('ready', () => client.end()),
  })
})

test('X11 connections of the server are offered with what ssh2 tells of them', async (t) => {
  const seen = await compareOwn(t, {
    serve: (connection, all) => {
      connection.on('session', (accept) => {
        accept()
          .on('x11', (acceptX11, _reject, info) => {
            all.push({ ...info, cookie: undefined })
            acceptX11()
          })
          .on('exec', (acceptExec) => {
            const stream = acceptExec()
            connection.x11('1.2.3.4', 56, (error, far) => {
              if (error) all.push(['refused', error.message])
              else far.end('draw')
              stream.exit(0)
              stream.end()
            })
          })
      })
    },
    play: (client, all) => {
      client.on('x11', (details, accept) => {
        const far = accept()
        let drawn = ''
        far.on('data', (data: Buffer) => (drawn += String(data)))
        far.on('end', () => {
          all.push([details, drawn])
          client.end()
        })
      })
      client.on('ready', () => {
        const x11 = { single: true, screen: 2, protocol: 'MIT-MAGIC-COOKIE-1', cookie: 'abcdef' }
        client.exec('draw', { x11 }, (_error, stream) => void stream.resume())
      })
    },
  })
  assert.deepEqual(seen[1], [{ srcIP: '1.2.3.4', srcPort: 56 }, 'draw'])
})

test('a key that nobody can read is refused in the words of ssh2', async (t) => {
  const locked = utils.generateKeyPairSync('rsa', { bits: 2048, passphrase: 'secret', cipher: 'aes256-cbc' }).private
  const open = utils.generateKeyPairSync('rsa', { bits: 2048 })
  const pem = createPrivateKey((utils.parseKey(open.private) as unknown as ParsedKey).getPrivatePEM() ?? '')
  const old = pem.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'secret' })
  for (const privateKey of [locked, String(old), 'PuTTY-User-Key-File-2: ssh-rsa\nEncryption: aes256-cbc\n', 'none'])
    for (const passphrase of [undefined, 'wrong']) {
      await compareOwn(t, {
        play: (_client, seen, { Client }) => {
          try {
            new Client().on('error', () => {}).connect({ username: 'x', port: 1, privateKey, passphrase })
          } catch (error) {
            seen.push(String(error))
          }
          _client.on('ready', () => _client.end())
        },
      })
    }
})

test('on Windows a path is a named pipe, or what ssh2 itself makes of it', () => {
  const { platform } = process
  Object.defineProperty(process, 'platform', { value: 'win32' })
  try {
    for (const path of ['pageant', 'C:/cygwin/tmp/agent', '\\\\.\\pipe\\openssh-ssh-agent'])
      assert.equal(dropIn.createAgent(path).constructor.name, original.createAgent(path).constructor.name, path)
  } finally {
    Object.defineProperty(process, 'platform', { value: platform })
  }
})
