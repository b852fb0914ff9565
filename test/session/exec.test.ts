import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type Command, CommandError, HoldfastError } from 'holdfast'
import type { Sessions } from '#src/session/sessions.js'
import { type ScriptedOptions, scripted } from './scripted.js'

async function failed(
  options: ScriptedOptions,
  prepare: (world: Awaited<ReturnType<typeof scripted>>) => Promise<unknown>,
) {
  const world = await scripted(options)
  const { error, tookMs } = await world.time.failure(prepare(world))
  assert.ok(error instanceof CommandError)
  return { error, tookMs, ...world }
}

test('text is decoded across packets, and both outputs are told apart', async () => {
  const { time, sessions, script } = await scripted()
  const bytes = Buffer.from('ä€𝄞')
  script.requested = (type, channel) => {
    if (type !== 'exec') return
    for (const byte of bytes) script.stdout(channel, Buffer.of(byte))
    script.stderr(channel, 'oops')
    script.finish(channel, 7)
  }
  const result = await time.value(sessions.exec('anything'))
  assert.deepEqual([result.stdout, result.stderr, result.exitCode], ['ä€𝄞', 'oops', 7])
})

test('bytes come as they are where they are asked for', async () => {
  const { time, sessions, script } = await scripted()
  script.requested = (_type, channel) => {
    script.stdout(channel, Buffer.of(0xff, 0))
    script.finish(channel)
  }
  const { stdout } = await time.value(sessions.exec('anything', { encoding: 'buffer' }))
  assert.deepEqual(stdout, Buffer.of(0xff, 0))
})

for (const [name, stdin, expected] of [
  ['nothing', undefined, '<EOF>'],
  ['a string', 'text', 'text<EOF>'],
  ['a Buffer', Buffer.from('bytes'), 'bytes<EOF>'],
  ['a Readable', Readable.from(['one ', 'two']), 'one two<EOF>'],
] as const) {
  test(`the input is ${name}, and ends`, async () => {
    const { time, sessions, script } = await scripted()
    const running = sessions.exec('anything', { stdin })
    await time.run(10)
    assert.deepEqual([...script.input.values()], [expected])
    script.finish(script.requests[0]?.recipient ?? -1)
    await time.value(running)
  })
}

for (const [software, stdin, expected] of [
  ['dropbear_2025.88', undefined, undefined],
  ['dropbear_2025.88', 'text', 'text'],
  ['OpenSSH_9.9', undefined, '<EOF>'],
] as const) {
  test(`the end of input ${stdin ?? 'that nobody gave'} for a program with a terminal at ${software}`, async () => {
    const { time, sessions, script } = await scripted({ software })
    const running = sessions.exec('anything', { pty: true, stdin })
    await time.run(10)
    const channel = script.requests[0]?.recipient ?? -1
    assert.equal(script.input.get(channel), expected)
    script.finish(channel)
    await time.value(running)
  })
}

for (const [what, start] of [
  ['a shell', (sessions) => sessions.shell()],
  ['a command', (sessions) => sessions.spawn('anything', { pty: true })],
] as [string, (sessions: Sessions) => Promise<Command>][]) {
  test(`dropbear is told of the end that a program gives the input of ${what} with a terminal`, async () => {
    const { time, sessions, script } = await scripted({ software: 'dropbear_2025.88' })
    const command = await time.value(start(sessions))
    command.stdin.end('text')
    await time.run(10)
    const channel = script.requests[0]?.recipient ?? -1
    assert.equal(script.input.get(channel), 'text<EOF>')
    script.finish(channel)
    await time.value(command.exited)
  })
}

/** An input that never ends, and what became of it. */
function endless() {
  const fate = { returned: false }
  const iterator = {
    next: () => new Promise<IteratorResult<string>>(() => {}),
    return: () => {
      fate.returned = true
      return Promise.resolve({ done: true as const, value: undefined })
    },
  }
  return { fate, iterable: { [Symbol.asyncIterator]: () => iterator }, stream: new Readable({ read: () => {} }) }
}

test('of an input that the command does not read, little is taken ahead, however large its pieces are', async () => {
  const { time, sessions } = await scripted()
  const source = { pulled: 0 }
  async function* pieces() {
    for (;;) {
      source.pulled++
      yield Buffer.alloc(1024 * 1024)
    }
  }
  // The server takes what its window allows, which is the first piece.
  const running = sessions.exec('anything', { stdin: pieces(), timeout: '2s' })
  await time.run(1000)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  await time.failure(running)
  assert.ok(source.pulled <= 4, `${source.pulled} pieces of 1 MiB`)
})

test('an input that fails before the command is started fails the command, and nothing else', async () => {
  const { error, script } = await failed({}, ({ sessions }) => {
    const { stream } = endless()
    process.nextTick(() => stream.destroy(new Error('no such file')))
    return sessions.exec('anything', { stdin: stream })
  })
  assert.deepEqual([error.code, error.remote], ['ERR_SSH_STDIN', 'not-started'])
  assert.deepEqual(script.types, [])
})

for (const [when, prepare] of [
  ['the command ends', ({ script }) => (script.requested = (_type, channel) => script.finish(channel))],
  ['it is refused', ({ script }) => (script.grant = () => false)],
  ['it is never answered', ({ script }) => (script.grant = () => undefined)],
  ['its channel is never opened', ({ server }) => (server.before = () => true)],
  ['a limit ends it', () => {}],
  ['the connection is over already', ({ client }) => client.connection.close(10)],
  ['the connection is closed meanwhile', ({ client, time }) => time.after(10, () => void client.connection.close(10))],
  ['it was aborted already', () => AbortSignal.abort()],
] as [string, (world: Awaited<ReturnType<typeof scripted>>) => unknown][]) {
  test(`nobody reads the input any more, and it is let go of, when ${when}`, async () => {
    const world = await scripted()
    const prepared = prepare(world)
    const signal = prepared instanceof AbortSignal ? prepared : undefined
    const { iterable, fate, stream } = endless()
    for (const stdin of [iterable, stream]) {
      await world.time.outcome(world.sessions.exec('anything', { stdin, timeout: '5s', signal }), 20_000)
    }
    await new Promise(setImmediate)
    assert.deepEqual([fate.returned, stream.destroyed], [true, true])
  })
}

test('the input goes out with the request, without a round trip between them', async () => {
  const { time, sessions, script } = await scripted()
  script.grant = () => undefined
  void sessions.exec('anything', { stdin: 'text' }).catch(() => {})
  await time.run(10)
  assert.deepEqual([...script.input.values()], ['text<EOF>'])
})

test('the exit may come before the output, and no byte is lost', async () => {
  const { time, sessions, script } = await scripted()
  script.requested = (_type, channel) => {
    script.exitStatus(channel, 0)
    for (let second = 1; second <= 30; second++) time.after(second * 1000, () => script.stdout(channel, 'x'))
    time.after(31_000, () => script.eof(channel))
  }
  const result = await time.value(sessions.exec('anything'))
  assert.deepEqual([result.stdout.length, result.outputOpen], [30, false])
})

test('output that stays open after the exit is waited for two silent seconds, and then closed', async () => {
  const { time, sessions, script } = await scripted()
  script.requested = (_type, channel) => {
    script.stdout(channel, 'hi')
    script.exitStatus(channel, 0)
    time.after(1500, () => script.stdout(channel, ' there'))
  }
  const { stdout, outputOpen, durationMs } = await time.value(sessions.exec('anything'))
  assert.deepEqual([stdout, outputOpen], ['hi there', true])
  assert.ok(durationMs >= 3500 && durationMs < 3600, `${durationMs} ms`)
  await time.run(10)
  assert.equal(script.closed.length, 1)
})

test('two silent seconds count only while nothing on other channels holds the output up', async () => {
  const { time, sessions, script } = await scripted()
  const channels: number[] = []
  script.requested = (type, channel) => {
    if (type === 'exec') channels.push(channel)
  }
  const download = await time.value(sessions.spawn('download'))
  download.stdout.resume()
  const running = sessions.exec('anything')
  await time.run(10)
  const [busy = -1, quiet = -1] = channels
  script.exitStatus(quiet, 0)
  for (let second = 1; second <= 10; second++) time.after(second * 1000, () => script.stdout(busy, 'more'))
  time.after(10_500, () => script.stdout(quiet, 'late'))
  time.after(10_600, () => script.finish(busy))
  time.after(10_700, () => script.eof(quiet))
  const { stdout, outputOpen } = await time.value(running)
  assert.deepEqual([stdout, outputOpen], ['late', false])
})

test('a channel that closes without a status gives null, never 0', async () => {
  const { time, sessions, script } = await scripted()
  script.requested = (_type, channel) => script.close(channel)
  const { exitCode, signal } = await time.value(sessions.exec('anything', { check: false }))
  assert.deepEqual([exitCode, signal], [null, null])
})

test('a signal that ended the command is named as Node names it', async () => {
  const { time, sessions, script } = await scripted()
  script.requested = (_type, channel) => {
    script.exitSignal(channel, 'SEGV')
    script.close(channel)
  }
  const { exitCode, signal } = await time.value(sessions.exec('anything'))
  assert.deepEqual([exitCode, signal], [null, 'SIGSEGV'])
})

test('a request that is refused fails, and nothing was started', async () => {
  const { error } = await failed({}, ({ sessions, script }) => {
    script.grant = () => false
    return sessions.exec('anything')
  })
  assert.deepEqual([error.code, error.remote], ['ERR_SSH_REQUEST_REFUSED', 'not-started'])
})

test('whether a command ran is not known where its channel closes without an answer', async () => {
  const { error } = await failed({}, ({ sessions, script }) => {
    script.grant = () => undefined
    script.requested = (_type, channel) => script.close(channel)
    return sessions.exec('anything')
  })
  assert.deepEqual([error.code, error.remote], ['ERR_SSH_CHANNEL_CLOSED', 'unknown'])
  assert.match(error.message, /may have started it/)
})

test('a command whose end was told has ended, although the request for it was never answered', async () => {
  const { time, sessions, script } = await scripted()
  script.grant = () => undefined
  script.requested = (_type, channel) => {
    script.exitStatus(channel, 3)
    script.close(channel)
  }
  const { exitCode } = await time.value(sessions.exec('anything'))
  assert.equal(exitCode, 3)
})

test('a command was not started where its channel closes before it is asked for', async () => {
  const { error } = await failed({}, ({ sessions, script }) => {
    script.grant = () => undefined
    script.requested = (_type, channel) => script.close(channel)
    return sessions.exec('anything', { pty: true })
  })
  assert.deepEqual([error.code, error.remote], ['ERR_SSH_CHANNEL_CLOSED', 'not-started'])
})

test('check makes an exit code a failure, with all that came', async () => {
  const { error } = await failed({}, ({ sessions, script }) => {
    script.requested = (_type, channel) => {
      script.stdout(channel, 'out')
      script.stderr(channel, 'why')
      script.finish(channel, 3)
    }
    return sessions.exec('anything', { check: true })
  })
  assert.deepEqual(
    [error.code, error.command, error.stdout, error.stderr, error.exitCode, error.remote],
    ['ERR_SSH_EXIT', 'anything', 'out', 'why', 3, 'exited'],
  )
  assert.match(error.message, /exit code 3/)
})

test('variables that the server does not take are named, and the command runs', async () => {
  const { time, sessions, script } = await scripted()
  script.grant = (type) => type !== 'env'
  script.requested = (type, channel) => {
    if (type === 'exec') script.finish(channel)
  }
  const { refusedEnv } = await time.value(sessions.exec('anything', { env: { LANG: 'C', TZ: 'UTC' } }))
  assert.deepEqual(
    [refusedEnv, script.types],
    [
      ['LANG', 'TZ'],
      ['env', 'env', 'exec'],
    ],
  )
})

test('without the terminal that it was to have a command is not started', async () => {
  const { error, script } = await failed({}, (world) => {
    world.script.grant = (type) => type !== 'pty-req'
    return world.sessions.exec('anything', { pty: true })
  })
  assert.deepEqual([error.code, error.remote, script.types], ['ERR_SSH_REQUEST_REFUSED', 'not-started', ['pty-req']])
})

test('output beyond maxBuffer ends the command, and what fits is kept', async () => {
  const { error, script } = await failed({}, (world) => {
    world.script.requested = (type, channel) => {
      if (type === 'exec') world.script.stdout(channel, '0123456789')
      if (type !== 'signal') return
      world.script.exitSignal(channel, 'TERM')
      world.script.close(channel)
    }
    return world.sessions.exec('anything', { maxBuffer: 4 })
  })
  assert.deepEqual(
    [error.code, error.stdout, error.remote, script.types],
    ['ERR_SSH_MAX_BUFFER', '0123', 'terminated', ['exec', 'signal']],
  )
})

test('a source of input that fails ends the command', async () => {
  const cause = new Error('disk')
  const { error } = await failed({}, ({ sessions, script }) => {
    script.requested = (type, channel) => {
      if (type === 'signal') script.exitSignal(channel, 'TERM')
    }
    const stdin = new Readable({
      read() {
        this.destroy(cause)
      },
    })
    return sessions.exec('anything', { stdin })
  })
  assert.equal(error.code, 'ERR_SSH_STDIN')
  assert.ok(error.cause instanceof HoldfastError && error.cause.cause === cause)
})

for (const [what, iterate] of [
  ['throws', () => assert.fail('disk')],
  ['returns none', () => undefined],
] as const) {
  test(`an input of which the function that gives its iterator ${what} fails the command`, async () => {
    const { error, script } = await failed({}, ({ sessions }) =>
      sessions.exec('anything', {
        stdin: Object.defineProperty({}, Symbol.asyncIterator, { value: iterate }) as AsyncIterable<string>,
      }),
    )
    assert.deepEqual([error.code, error.remote], ['ERR_SSH_STDIN', 'not-started'])
    assert.ok(error.cause instanceof Error)
    assert.deepEqual(script.types, [])
  })
}

for (const [what, source] of [
  ['stream', () => Readable.from(['text', 5])],
  ['iterable', () => Readable.from([{ text: 'text' }]).iterator()],
] as const) {
  test(`an input that is a ${what} of neither text nor bytes fails the command`, async () => {
    const { error } = await failed({}, ({ sessions, script }) => {
      script.requested = (type, channel) => {
        if (type === 'signal') script.exitSignal(channel, 'TERM')
      }
      return sessions.exec('anything', { stdin: source() })
    })
    assert.equal(error.code, 'ERR_SSH_STDIN')
    assert.match(error.message, /came, where text or bytes are needed/)
  })
}

test('the longest command that is allowed goes out, and as one packet that every peer takes', async () => {
  const { time, sessions, script } = await scripted()
  script.requested = (_type, channel) => script.finish(channel)
  const command = 'ä'.repeat(131_029)
  await time.value(sessions.exec(command))
  const { error } = await time.failure(sessions.exec(`${command}x`))
  assert.equal(error.code, 'ERR_SSH_OPTION')
  assert.equal(script.requests[0]?.data.length, 4 + 2 * 131_029)
})

test('a signal that no packet can take is refused, and the command goes on', async () => {
  const { time, sessions, script, client } = await scripted()
  const command = await time.value(sessions.spawn('anything'))
  assert.throws(() => command.kill('X'.repeat(300_000)), { code: 'ERR_SSH_OPTION' })
  await time.run(10)
  assert.equal(client.cause, undefined)
  script.finish(script.requests[0]?.recipient ?? -1)
  assert.equal((await time.value(command.exited)).exitCode, 0)
})

test('whatever is wrong with an option is said before anything is sent', async () => {
  const { time, sessions, server } = await scripted()
  const heard = server.heard.length
  const wrong: readonly (readonly [RegExp, unknown, unknown?])[] = [
    [/^command /, ''],
    [/^command /, 'with \0'],
    [/^command /, 7],
    [/^command has 262059 bytes, and at most 262058 /, 'x'.repeat(262_059)],
    [/^env.A has 300000 bytes/, 'true', { env: { A: 'x'.repeat(300_000) } }],
    [/^env.A /, 'true', { env: { A: 'with \0' } }],
    [/^pty.term /, 'true', { pty: { term: 'x'.repeat(300_000) } }],
    [/^pty.term /, 'true', { pty: { term: 'with \0' } }],
    [/^options /, 'true', null],
    [/^options /, 'true', 5000],
    [/^options /, 'true', () => {}],
    [/^timout /, 'true', { timout: '1s' }],
    [/^timeout/, 'true', { timeout: 0 }],
    [/^idleTimeout/, 'true', { idleTimeout: '5 parsecs' }],
    [/^firstByteTimeout/, 'true', { firstByteTimeout: Number.NaN }],
    [/^stdinStall/, 'true', { stdinStall: -1 }],
    [/^signal /, 'true', { signal: {} }],
    [/^env.A /, 'true', { env: { A: 1 } }],
    [/^env: 'A=B' /, 'true', { env: { 'A=B': '' } }],
    [/^pty must be true, false or an object/, 'true', { pty: 'xterm' }],
    [/^pty.cols is no option here; known are term, columns/, 'true', { pty: { cols: 120 } }],
    [/^pty.columns /, 'true', { pty: { columns: 0 } }],
    [/^pty.modes.NOSUCH /, 'true', { pty: { modes: { NOSUCH: 1 } } }],
    [/^pty.modes.ECHO /, 'true', { pty: { modes: { ECHO: 1.5 } } }],
    [/^secondSession /, 'true', { secondSession: 'maybe' }],
    [/^check /, 'true', { check: 1 }],
    [/^stdin /, 'true', { stdin: 7 }],
    [/^maxBuffer must be .* from 1 to 9007199254740991/, 'true', { maxBuffer: 0 }],
    [/^encoding /, 'true', { encoding: 'latin1' }],
  ]
  for (const [field, command, options] of wrong) {
    const { error } = await time.failure(sessions.exec(command as string, options as object))
    assert.equal(error.code, 'ERR_SSH_OPTION', String(field))
    assert.match(error.message, field)
  }
  assert.equal(server.heard.length, heard)
})
