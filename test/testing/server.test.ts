import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type ServerOptions, type ServerSession, startServer, type TestServer } from 'holdfast/testing'
import type { Client, ConnectConfig, KeyboardInteractiveCallback, Prompt } from 'ssh2'
import ssh2 from 'ssh2'
import { ed25519Pair, readablePair } from '../support/ssh2-key-pair.js'
import { eventually } from './support/eventually.js'
import { connectSsh2, endSsh2, execSsh2, opened, startSsh2 } from './support/ssh2.js'

const users = { deploy: { password: 'secret' } }
const servers: TestServer[] = []
const clients: Client[] = []

afterEach(async () => {
  for (const made of clients.splice(0)) made.destroy()
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function start(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const server = await startServer({ ...(options.authenticate === undefined ? { users } : {}), ...options })
  servers.push(server)
  return server
}

async function client(server: TestServer, config: ConnectConfig = {}): Promise<Client> {
  const made = await connectSsh2(server, { password: 'secret', ...config })
  clients.push(made)
  return made
}

async function echo({ stdin, stdout }: ServerSession): Promise<void> {
  for await (const bytes of stdin) if (!stdout.write(bytes)) await once(stdout, 'drain')
}

describe('logging in', () => {
  test('by a password, and not by a wrong one or as another user', async () => {
    const server = await start()
    await client(server)
    assert.equal(server.connections[0]?.username, 'deploy')
    await assert.rejects(client(server, { password: 'wrong' }), { level: 'client-authentication' })
    await assert.rejects(client(server, { username: 'root' }), { level: 'client-authentication' })
  })

  for (const type of ['ed25519', 'ecdsa', 'rsa'] as const) {
    test(`by a key of type ${type}, and not by another`, async () => {
      const options = { bits: { ed25519: undefined, ecdsa: 256, rsa: 2048 }[type] } as { bits: number }
      const [mine, other] = [
        readablePair(() => ssh2.utils.generateKeyPairSync(type, options)),
        readablePair(() => ssh2.utils.generateKeyPairSync(type, options)),
      ]
      const server = await start({ users: { deploy: { authorizedKeys: [`${mine.public} a comment`] } } })
      await connectSsh2(server, { privateKey: mine.private }).then(endSsh2)
      await assert.rejects(connectSsh2(server, { privateKey: other.private }), { level: 'client-authentication' })
    })
  }

  test('by the answers to prompts', async () => {
    const prompts = [
      { text: 'Code: ', answer: '42', echo: true },
      { text: 'Word: ', answer: 'sesame' },
    ]
    const server = await start({ users: { deploy: { prompts } } })
    const asked: Prompt[][] = []
    const answerWith = (answers: string[]) => {
      const made = new ssh2.Client()
      made.on(
        'keyboard-interactive',
        (_name, _text, _language, shown: Prompt[], answer: KeyboardInteractiveCallback) => {
          asked.push(shown)
          answer(answers)
        },
      )
      made.connect({ host: server.host, port: server.port, username: 'deploy', tryKeyboard: true })
      clients.push(made)
      return once(made, 'ready')
    }
    await answerWith(['42', 'sesame'])
    assert.deepEqual(asked, [
      [
        { prompt: 'Code: ', echo: true },
        { prompt: 'Word: ', echo: false },
      ],
    ])
    await assert.rejects(answerWith(['42', 'open']), { level: 'client-authentication' })
  })

  test('as a callback decides, after a banner', async () => {
    const attempts: string[] = []
    const server = await start({
      banner: 'Private property.\n',
      authenticate: (attempt) => {
        attempts.push(attempt.method)
        return attempt.method === 'password' && attempt.password === 'yes' ? 'accept' : 'refuse'
      },
    })
    const made = new ssh2.Client()
    clients.push(made)
    const banner = once(made, 'banner')
    made.connect({ host: server.host, port: server.port, username: 'anyone', password: 'yes' })
    await once(made, 'ready')
    assert.deepEqual((await banner)[0], 'Private property.\n')
    assert.deepEqual(attempts, ['none', 'password'])
  })
})

describe('a session with a handler', () => {
  test('gets the command, its environment and its input, and tells output, errors and exit code', async () => {
    const server = await start({
      exec: async ({ command, username, env, stdin, stdout, stderr }) => {
        const input: Buffer[] = []
        for await (const bytes of stdin) input.push(bytes as Buffer)
        stdout.write(`${username} ${String(command)} ${String(env['LANG'])}: ${Buffer.concat(input).toString()}`)
        stderr.write('no error')
        return 7
      },
    })
    const outcome = await execSsh2(await client(server), 'greet', { env: { LANG: 'C' }, stdin: 'hello' })
    assert.deepEqual(outcome, { stdout: 'deploy greet C: hello', stderr: 'no error', code: 7, signal: undefined })
    await eventually('the session is over', () => server.connections[0]?.sessions === 0)
  })

  test('that gives what is no end is told so on stderr, and ends by 255', async () => {
    const ends: unknown[] = ['3', -1, 1.5, 2 ** 32, { code: 3 }, true]
    const server = await start({ exec: () => ends.shift() as number })
    const open = await client(server)
    for (const end of [...ends]) {
      const { code, stderr } = await execSsh2(open, 'odd')
      assert.equal(code, 255, String(end))
      assert.match(stderr, /the handler has to give an exit code/)
    }
  })

  test('carries much both ways', async () => {
    const server = await start({
      exec: echo,
    })
    const sent = Buffer.alloc(10 * 1024 * 1024, 'holdfast ')
    const { stdout } = await execSsh2(await client(server), 'echo', { stdin: sent })
    assert.ok(stdout === sent.toString())
  })

  test('can end by a signal, without a word, or by an exception', async () => {
    const server = await start({
      exec: ({ command }) => {
        if (command === 'throws') throw new Error('the handler is at fault')
        return command === 'dies' ? { signal: 'KILL' } : null
      },
    })
    const made = await client(server)
    const died = await execSsh2(made, 'dies')
    assert.deepEqual([died.code, died.signal], [null, 'SIGKILL'])
    const silent = await execSsh2(made, 'says nothing')
    assert.deepEqual([silent.code, silent.signal], [null, undefined])
    const failed = await execSsh2(made, 'throws')
    assert.equal(failed.code, 255)
    assert.match(failed.stderr, /the handler is at fault/)
  })

  test('can tell its end while its output stays open', async () => {
    const held = new EventEmitter()
    const server = await start({
      exec: async (session) => {
        session.exit(3)
        await once(held, 'letGo')
        session.stdout.write('late')
        return 4
      },
    })
    const { channel, outcome } = await startSsh2(await client(server), 'forks')
    const over = outcome.then(() => 'over')
    assert.equal(await Promise.race([over, pause(100, 'open')]), 'open')
    assert.equal(channel.closed, false)
    held.emit('letGo')
    assert.deepEqual(await outcome, { stdout: 'late', stderr: '', code: 3, signal: undefined })
  })

  test('hears of signals, of its terminal, and of its end', async () => {
    const heard: unknown[] = []
    const server = await start({
      exec: async (session) => {
        heard.push(session.command, session.pty)
        session.on('signal', (name) => heard.push(name))
        session.on('resize', (size) => heard.push(size, session.pty?.columns))
        await once(session.signal, 'abort')
        heard.push('gone')
      },
    })
    const made = await client(server)
    const { channel } = await startSsh2(made, 'top', { pty: { term: 'xterm', cols: 80, rows: 24 } })
    await eventually('the handler runs', () => heard.length === 2)
    channel.signal('USR1')
    channel.setWindow(50, 132, 0, 0)
    channel.close()
    await eventually('the handler heard all', () => heard.at(-1) === 'gone')
    const size = { columns: 132, rows: 50 }
    assert.deepEqual(heard, ['top', { term: 'xterm', columns: 80, rows: 24 }, 'USR1', size, 132, 'gone'])
  })

  test('hears that the connection was lost', async () => {
    const sessions: ServerSession[] = []
    const server = await start({
      exec: async (session) => {
        sessions.push(session)
        await once(session.signal, 'abort')
        session.stdout.write('nobody hears this')
      },
    })
    const made = await client(server)
    await startSsh2(made, 'waits')
    await eventually('the handler runs', () => sessions.length === 1)
    made.destroy()
    await eventually('the connection is gone', () => server.connections.length === 0)
    assert.equal(sessions[0]?.signal.aborted, true)
    assert.equal(sessions[0].stdout.destroyed, true)
  })

  test('serves shells without a command, and subsystems by name', async () => {
    const server = await start({
      exec: ({ command, stdout }) => void stdout.write(`shell: ${String(command)}`),
      subsystems: { hello: ({ stdout }) => void stdout.write('a subsystem') },
    })
    const made = await client(server)
    const shell = await opened((done) => made.shell(false, done))
    assert.equal((await shell.outcome).stdout, 'shell: undefined')
    const subsystem = (name: string) => opened((done) => made.subsys(name, done))
    assert.equal((await (await subsystem('hello')).outcome).stdout, 'a subsystem')
    await assert.rejects(subsystem('sftp'), /Unable to start subsystem/)
  })

  test('is refused beyond maxSessions, and without a handler', async () => {
    const limited = await start({ maxSessions: 1, exec: ({ signal }) => once(signal, 'abort').then(() => 0) })
    const made = await client(limited)
    const { channel: first } = await startSsh2(made, 'first')
    await assert.rejects(startSsh2(made, 'second'), { reason: 2 })
    first.close()
    await once(first, 'close')
    await startSsh2(made, 'third')

    await assert.rejects(startSsh2(await client(await start()), 'anything'), /Unable to exec/)
  })
})

describe('the connection', () => {
  test('says which host key it has', async () => {
    const server = await start({ hostKeys: [{ generate: 'ecdsa-sha2-nistp256' }, { generate: 'ssh-ed25519' }] })
    assert.deepEqual(
      server.hostKeys.map(({ type }) => type),
      ['ecdsa-sha2-nistp256', 'ssh-ed25519'],
    )
    let shown: Buffer = Buffer.alloc(0)
    const hostVerifier = (key: Buffer) => {
      shown = key
      return true
    }
    await client(server, { hostVerifier, algorithms: { serverHostKey: ['ecdsa-sha2-nistp256'] } })
    const line = `[127.0.0.1]:${server.port} ecdsa-sha2-nistp256 ${shown.toString('base64')}`
    assert.equal(server.hostKey.knownHostsLine, line)
  })

  test('keeps a given host key', async () => {
    const { private: privateKey, public: publicKey } = ed25519Pair()
    // What is undefined is left out, as everywhere.
    const server = await start({ hostKeys: [{ privateKey, generate: undefined }] })
    assert.equal(server.hostKey.knownHostsLine, `[127.0.0.1]:${server.port} ${publicKey.trim()}`)
  })

  test('exchanges keys anew, by itself and when told', async () => {
    const server = await start({ exec: echo, rekey: { bytes: 256 * 1024 } })
    const made = await client(server)
    let exchanges = 0
    made.on('handshake', () => exchanges++)
    for (let round = 0; round < 4; round++) {
      const { stdout } = await execSsh2(made, 'echo', { stdin: Buffer.alloc(300 * 1024, 'x') })
      assert.equal(stdout.length, 300 * 1024)
    }
    assert.ok(exchanges >= 3, `${exchanges} key exchanges`)
    await server.connections[0]?.rekey()
    assert.equal((await execSsh2(made, 'echo', { stdin: 'after' })).stdout, 'after')
  })

  test('offers what it is told to', async () => {
    const server = await start({
      algorithms: { kex: ['ecdh-sha2-nistp384'], cipher: ['aes256-ctr'], mac: ['hmac-sha2-512'] },
    })
    const made = new ssh2.Client()
    clients.push(made)
    made.connect({ host: server.host, port: server.port, username: 'deploy', password: 'secret' })
    const [agreed] = (await once(made, 'handshake')) as [{ kex: string; cs: { cipher: string; mac: string } }]
    assert.deepEqual(
      [agreed.kex, agreed.cs.cipher, agreed.cs.mac],
      ['ecdh-sha2-nistp384', 'aes256-ctr', 'hmac-sha2-512'],
    )
    await once(made, 'ready')
  })

  test('answers keepalives, unless it is told not to', async () => {
    const config = { keepaliveInterval: 100, keepaliveCountMax: 2 }
    const [good, mute] = [await start(), await start({ answerKeepalives: false })]
    const kept = await client(good, config)
    let isLost = false
    kept.on('close', () => {
      isLost = true
    })
    const [error] = (await once(await client(mute, config), 'error')) as [Error]
    assert.match(error.message, /Keepalive timeout/)
    await pause(400)
    assert.equal(isLost, false)
  })

  test('frozen: takes connections and bytes, says nothing, and goes on where it was', async () => {
    const server = await start({ exec: ({ command, stdout }) => void stdout.write(`ran ${String(command)}`) })
    const made = await client(server)
    server.freeze()
    const answer = execSsh2(made, 'later')
    const late = connect(server.port, server.host)
    await once(late, 'connect')
    const silent = await Promise.race([answer, once(late, 'data'), pause(150, 'silence')])
    assert.equal(silent, 'silence')
    assert.equal(server.connections.length, 1)
    const greeting = once(late, 'data') as Promise<[Buffer]>
    server.thaw()
    assert.equal((await answer).stdout, 'ran later')
    assert.match((await greeting)[0].toString('latin1'), /^SSH-2\.0-Holdfast_testing\r\n/)
    late.destroy()
  })

  test('can be ended by the server, in order or by a reset', async () => {
    const server = await start()
    const closed = once(await client(server), 'close')
    await server.connections[0]?.disconnect()
    await closed
    const failed = once(await client(server), 'error') as Promise<[NodeJS.ErrnoException]>
    const connection = server.connections[0]
    connection?.reset()
    assert.equal((await failed)[0].code, 'ECONNRESET')
    assert.equal((await connection?.closed)?.code, 'ERR_SSH_CLOSED')
  })

  test('is probed by the server, if that is asked for, and ended when it is dead', async () => {
    const server = await start({ keepalive: { interval: 50, countMax: 1 } })
    const made = await client(server)
    const connection = server.connections[0]
    await pause(300)
    assert.equal(server.connections.length, 1)
    // A client that reads nothing is as good as stopped.
    made.on('error', () => {})
    const socket = (made as unknown as { _sock: NodeJS.ReadStream })._sock
    socket.pause()
    assert.equal((await connection?.closed)?.code, 'ERR_SSH_PEER_DEAD')
  })
})

describe('close()', () => {
  test('leaves nothing, frozen or in the middle of anything', async () => {
    const server = await start({ exec: ({ signal }) => once(signal, 'abort').then(() => 0) })
    const made = await client(server)
    await startSsh2(made, 'runs')
    server.freeze()
    const unseen = connect(server.port, server.host)
    await once(unseen, 'connect')
    // Not once(): a frozen server says no goodbye, and the client calls that an error first.
    const ends = [made, unseen].map((end) => new Promise<void>((resolve) => end.on('close', () => resolve())))
    await Promise.all([server.close(), server.close()])
    await Promise.all(ends)
    assert.equal(server.connections.length, 0)
    await assert.rejects(once(connect(server.port, server.host), 'connect'), { code: 'ECONNREFUSED' })
  })
})

describe('close() and a client that leaves', () => {
  test('pass each other without a reset', async () => {
    const server = await start()
    const leaving = new ssh2.Client()
    clients.push(leaving)
    leaving.connect({ host: server.host, port: server.port, username: 'deploy', password: 'wrong' })
    const errors: string[] = []
    leaving.on('error', (error: Error) => errors.push(error.message))
    // It says its goodbye in the same turn, behind this, so the server has not read it when it closes.
    leaving.once('error', () => void server.close())
    await new Promise<void>((resolve) => leaving.on('close', () => resolve()))
    assert.deepEqual(errors, ['All configured authentication methods failed'])
  })
})

/** What a program in JavaScript may give, and types would refuse: no value is told, since it may be a secret. */
const mistaken = (
  [
    [{ users: null }, /^users is null: give an object/],
    [{ users: { deploy: 'secret' } }, /^users\.deploy is of type string: give an object/],
    [{ users: { deploy: { password: 1234 } } }, /^users\.deploy\.password is of type number: give a string/],
    [{ users: { deploy: { authorizedKeys: 'ssh-ed25519 AAAA' } } }, /^users\.deploy\.authorizedKeys is of type string/],
    [{ users: { deploy: { authorizedKeys: [null] } } }, /^users\.deploy\.authorizedKeys\[0\] is null/],
    [{ users: { deploy: { prompts: [{ text: 'PIN' }] } } }, /^users\.deploy\.prompts\[0\]\.answer is undefined/],
    [{ authenticate: true, users: undefined }, /^authenticate is of type boolean: give a function/],
    [
      { authenticate: () => 'accept', users: undefined, methods: 'password' },
      /^methods is of type string: give a list/,
    ],
    [{ authenticate: () => 'accept', users: undefined, methods: ['passwd'] }, /^methods is passwd: give publickey or/],
    [{ hostKeys: {} }, /^hostKeys is of type object: give a list/],
    [{ hostKeys: [null] }, /^hostKeys\[0\] is null: give an object/],
    [{ hostKeys: [{ generate: 'ed25519' }] }, /^hostKeys\[0\]\.generate is ed25519: give ssh-ed25519 or/],
    [{ hostKeys: [{ privateKey: 5 }] }, /^hostKeys\[0\]\.privateKey is of type number/],
    [{ exec: 'true' }, /^exec is of type string: give a function/],
    [{ subsystems: { sftp: true } }, /^subsystems\.sftp is of type boolean: give a function/],
    [{ shell: 'yes' }, /^shell is of type string/],
    [{ shell: { signals: 'drop' } }, /^shell\.signals is drop: give deliver or ignore/],
    [{ rekey: null }, /^rekey is null/],
    [{ keepalive: null }, /^keepalive is null/],
    [{ algorithms: { kex: 'curve25519-sha256' } }, /^algorithms\.kex is of type string: give a list/],
    [{ software: 5 }, /^software is of type number/],
    [{ port: Symbol('port') }, /^port is Symbol/],
    [{ port: { number: 22 } }, /^port is of type object/],
    [{ shell: { signals: { drop: true } } }, /^shell\.signals is of type object: give deliver/],
    [{ hostkeys: [] }, /^hostkeys is no option; did you mean 'hostKeys'\?$/],
    [{ colour: 'red' }, /^colour is no option$/],
    [{ colour: undefined }, /^colour is no option$/],
    [{ constructor: 1 }, /^constructor is no option$/],
    [{ users: { deploy: { pasword: 'secret' } } }, /^users\.deploy\.pasword is no option; did you mean 'password'\?$/],
    [{ shell: { afterclose: 'end' } }, /^shell\.afterclose is no option; did you mean 'afterClose'\?$/],
    [{ rekey: { byte: 1 } }, /^rekey\.byte is no option; did you mean 'bytes'\?$/],
    [{ algorithms: { ciphers: [] } }, /^algorithms\.ciphers is no option; did you mean 'cipher'\?$/],
    [{ keepalive: { countMaxx: 3 } }, /^keepalive\.countMaxx is no option; did you mean 'countMax'\?$/],
    [{ keepalive: { tcp: { idel: 3 } } }, /^keepalive\.tcp\.idel is no option; did you mean 'idle'\?$/],
    [{ hostKeys: [{ generat: 'ssh-rsa' }] }, /^hostKeys\[0\]\.generat is no option/],
    [{ hostKeys: [{ generate: undefined }] }, /^hostKeys\[0\]\.privateKey is undefined: give a string$/],
    [{ hostKeys: [{ generate: 'ssh-rsa', bits: 1 }] }, /^hostKeys\[0\]\.bits is no option$/],
  ] as const
).map(([options, message]): [Partial<ServerOptions>, RegExp] => [options as never, message])

describe('options', () => {
  const wrong: [Partial<ServerOptions>, RegExp][] = [
    [{ authenticate: () => 'accept', users }, /^users or authenticate has to be given/],
    [{ users: { deploy: {} } }, /^users\.deploy can log in by nothing/],
    [{ exec: () => 0, shell: true }, /^exec and shell exclude each other/],
    [{ hostKeys: [] }, /^hostKeys is empty/],
    [{ port: 70_000 }, /^port is 70000/],
    [{ maxSessions: -1 }, /^maxSessions is -1/],
    [{ software: 'my server' }, /^software has to be/],
    [{ algorithms: { cipher: ['rot13'] } }, /^algorithms\.cipher names rot13/],
    [{ rekey: { bytes: 0 } }, /^rekey\.bytes is 0/],
    [{ keepalive: { countMax: 0 } }, /^keepalive\.countMax/],
    ...mistaken,
  ]
  for (const [options, message] of wrong) {
    test(`${message.source} is an error`, async () => {
      await assert.rejects(startServer({ ...(options.authenticate ? {} : { users }), ...options }), {
        code: 'ERR_SSH_OPTION',
        message,
      })
    })
  }

  test('a line of authorized_keys that is none is an error that says which', async () => {
    await assert.rejects(startServer({ users: { deploy: { authorizedKeys: ['ssh-ed25519 AAAA'] } } }), {
      code: 'ERR_SSH_KEY',
      message: /users\.deploy\.authorizedKeys\[0\]/,
    })
  })

  test('a port that is taken is an error that says so', async () => {
    const server = await start()
    await assert.rejects(startServer({ users, port: server.port }), { code: 'ERR_SSH_OPTION', message: /EADDRINUSE/ })
  })
})
