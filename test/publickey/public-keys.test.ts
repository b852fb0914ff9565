import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CommandError, HoldfastError } from 'holdfast'
import { Deferred } from '#src/liveness/deferred.js'
import { encodeResponse, type Response } from '#src/publickey/messages.js'
import { PublicKeyError } from '#src/publickey/publickey-error.js'
import { client, server } from '../promises/support/embedded.js'
import { leavesNothing } from '../promises/support/leaks.js'
import { asked, done, greeting, KeyStore, says, untilGone, withSubsystem } from './subsystem.js'

leavesNothing()

const key = { algorithm: 'ssh-ed25519', blob: Buffer.from('first') }
const other = { algorithm: 'ssh-rsa', blob: Buffer.alloc(5000, 1) }

test('keys are added, listed with their attributes, overwritten and removed', async (t) => {
  const store = new KeyStore()
  const keys = await (await withSubsystem(t, store.serve)).publicKeys()
  assert.deepEqual(await keys.list(), [])
  const comment = { name: 'comment', value: 'grüße', isCritical: false }
  await keys.add(key, { attributes: [comment, { name: 'from', value: '10.0.0.0/8', isCritical: true }] })
  await keys.add(other)
  assert.deepEqual(await keys.list(), [
    {
      ...key,
      attributes: [
        { name: 'comment', value: 'grüße' },
        { name: 'from', value: '10.0.0.0/8' },
      ],
    },
    { ...other, attributes: [] },
  ])
  await keys.add(key, { overwrite: true })
  assert.deepEqual(
    (await keys.list()).map(({ attributes }) => attributes),
    [[], []],
  )
  await keys.remove(other)
  assert.deepEqual(await keys.list(), [{ ...key, attributes: [] }])
  assert.deepEqual(await keys.listAttributes(), [
    { name: 'comment', isCompulsory: false },
    { name: 'from', isCompulsory: true },
  ])
  assert.equal(store.log[0], 'version')
})

test('what the server refuses fails that call alone, with its number and its words', async (t) => {
  const keys = await (await withSubsystem(t, new KeyStore().serve)).publicKeys()
  await keys.add(key)
  const refused = await failureOf(keys.add(key))
  assert.ok(refused instanceof PublicKeyError)
  assert.equal(refused.status, 6)
  assert.match(refused.message, /key already present: it is there.* already/)
  assert.ok(!refused.message.includes('\u0007'))
  assert.match(refused.stack ?? '', /public-keys\.test/)
  assert.equal(await statusOf(keys.remove(other)), 4)
  const attributes = [{ name: 'agent', value: '', isCritical: true }]
  assert.equal(await statusOf(keys.add(other, { attributes })), 9)
  assert.equal((await keys.list()).length, 1)
})

test('calls that are made at once are asked for one after another', async (t) => {
  let unanswered = 0
  let most = 0
  const ssh = await withSubsystem(t, async (session) => {
    says(session, greeting)
    for await (const { name } of asked(session)) {
      if (name === 'version') continue
      most = Math.max(most, ++unanswered)
      setImmediate(() => {
        unanswered--
        says(session, done(name === 'remove' ? 4 : 0))
      })
    }
  })
  const keys = await ssh.publicKeys()
  const settled = await Promise.allSettled([keys.add(key), keys.remove(other), keys.list(), keys.remove(key)])
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  )
  assert.equal(most, 1)
})

test('a server without the subsystem refuses it, and the connection lives', async (t) => {
  const ssh = await client(t, await server(t))
  const error = await failureOf(ssh.publicKeys())
  assert.ok(error instanceof CommandError)
  assert.equal(error.code, 'ERR_SSH_REQUEST_REFUSED')
  assert.equal((await ssh.exec('echo still here')).stdout, 'still here\n')
})

test('of a later version the lower one is spoken', async (t) => {
  const ssh = await withSubsystem(t, async (session) => {
    says(session, { type: 'version', version: 7 })
    for await (const { name } of asked(session)) if (name === 'list') says(session, done(0))
  })
  assert.deepEqual(await (await ssh.publicKeys()).list(), [])
})

for (const version of [0, 1]) {
  test(`version ${version} is refused, and the server is told so`, async (t) => {
    let heard = Buffer.alloc(0)
    const ssh = await withSubsystem(t, async (session) => {
      // All comes in one flight with the end of the channel.
      session.stdin.on('data', (bytes: Buffer) => {
        heard = Buffer.concat([heard, bytes])
      })
      says(session, { type: 'version', version })
      await untilGone(session)
    })
    const error = await failureOf(ssh.publicKeys())
    assert.equal(error.code, 'ERR_SSH_UNSUPPORTED')
    assert.match(error.message, new RegExp(`version ${version} `))
    assert.ok((await ssh.keepalive.send()).rttMs >= 0)
    const refusal = encodeResponse(done(3, 'only version 2 is spoken here'))
    assert.deepEqual(heard, Buffer.concat([encodeResponse(greeting), refusal]))
  })
}

test('a server that does not speak our version says so', async (t) => {
  const ssh = await withSubsystem(t, async (session) => {
    for await (const _ of asked(session)) says(session, done(3, 'only 9'))
  })
  const error = await failureOf(ssh.publicKeys())
  assert.ok(error instanceof PublicKeyError)
  assert.match(error.message, /version not supported: only 9/)
})

test('a server that never greets is given up at the limit', async (t) => {
  const ssh = await withSubsystem(t, untilGone, { limits: { reply: '300ms' } })
  const error = await failureOf(ssh.publicKeys())
  assert.deepEqual([error.code, error.limit], ['ERR_SSH_TIMEOUT', 'reply'])
})

test('a request that is never answered ends the subsystem, and all that waited behind it', async (t) => {
  const ssh = await withSubsystem(
    t,
    async (session) => {
      says(session, greeting)
      await untilGone(session)
    },
    { limits: { reply: '1s' } },
  )
  const keys = await ssh.publicKeys()
  const [first, second] = await Promise.all([failureOf(keys.list()), failureOf(keys.remove(key))])
  assert.deepEqual([first.code, first.limit], ['ERR_SSH_TIMEOUT', 'reply'])
  assert.equal(second, first)
  assert.equal(await failureOf(keys.list()), first)
  assert.ok((await ssh.keepalive.send()).rttMs >= 0)
})

const entry = (blob: Buffer, attributes = 0): Response => {
  const value = { name: 'comment', value: 'x' }
  return { type: 'publickey', key: { ...key, blob, attributes: Array.from({ length: attributes }, () => value) } }
}
const packet = (hex: string) => Buffer.from(hex, 'hex')

const hostile: Readonly<Record<string, readonly (Response | Buffer)[]>> = {
  'more keys than anybody has': Array.from({ length: 10_001 }, () => entry(Buffer.from('k'))),
  'more bytes than keys could take': Array.from({ length: 50 }, () => entry(Buffer.alloc(100_000))),
  'more attributes than there are': [entry(Buffer.from('k'), 101), done(0)],
  'a packet of a length that no packet has': [packet('ffffffff')],
  'a packet of no length': [packet('00000000')],
  'a blob that is longer than its packet': [
    Buffer.concat([packet('00000016'), packet('00000009'), Buffer.from('publickey'), packet('000000017800000fff')]),
  ],
  'a name that nobody knows': [Buffer.concat([packet('00000009'), packet('00000005'), Buffer.from('hello')])],
  'an attribute in place of a key': [{ type: 'attribute', attribute: { name: 'from', isCompulsory: false } }],
  'a second greeting': [greeting],
  'a status that nobody asked for': [done(0), done(0)],
}

for (const [what, responses] of Object.entries(hostile)) {
  test(`${what} ends the subsystem, and not the connection`, async (t) => {
    const ssh = await withSubsystem(t, async (session) => {
      says(session, greeting)
      for await (const { name } of asked(session)) if (name === 'list') says(session, ...responses)
    })
    const keys = await ssh.publicKeys()
    const first = await keys.list().catch(codeOf)
    const next = await keys.list().catch(codeOf)
    assert.deepEqual(first, what === 'a status that nobody asked for' ? [] : 'ERR_SSH_PUBLICKEY_PROTOCOL')
    assert.equal(next, 'ERR_SSH_PUBLICKEY_PROTOCOL')
    assert.ok((await ssh.keepalive.send()).rttMs >= 0)
  })
}

test('text of a login script in place of the greeting is shown', async (t) => {
  const ssh = await withSubsystem(t, async (session) => {
    session.stdout.write('Welcome to this host\n')
    await untilGone(session)
  })
  const error = await failureOf(ssh.publicKeys())
  assert.equal(error.code, 'ERR_SSH_PUBLICKEY_PROTOCOL')
  assert.match(error.message, /Welcome to this host/)
  assert.match(error.hint, /login script/)
})

test('a subsystem that ends takes with it what waits', async (t) => {
  const ssh = await withSubsystem(t, async (session) => {
    says(session, greeting)
    for await (const { name } of asked(session)) if (name === 'list') return
  })
  const keys = await ssh.publicKeys()
  assert.equal(await codeWhen(keys.list()), 'ERR_SSH_CHANNEL_CLOSED')
  assert.equal(await codeWhen(keys.list()), 'ERR_SSH_CHANNEL_CLOSED')
})

test('the close of the connection settles what waits, at once', async (t) => {
  const ssh = await withSubsystem(t, async (session) => {
    says(session, greeting)
    await untilGone(session)
  })
  const keys = await ssh.publicKeys()
  const waiting = failureOf(keys.list())
  await ssh.close()
  assert.equal((await waiting).code, 'ERR_SSH_CLOSED')
  assert.equal(await codeWhen(keys.list()), 'ERR_SSH_CLOSED')
})

test('a response that comes byte by byte is put together', async (t) => {
  const bytes = Buffer.concat([encodeResponse(entry(Buffer.from('blob'), 2)), encodeResponse(done(0))])
  const ssh = await withSubsystem(t, async (session) => {
    says(session, greeting)
    for await (const { name } of asked(session))
      if (name === 'list') for (const byte of bytes) session.stdout.write(Buffer.of(byte))
  })
  assert.equal((await (await ssh.publicKeys()).list())[0]?.attributes.length, 2)
})

test('its close ends the subsystem alone, and all that waits for it', async (t) => {
  let hasEnded = false
  const ssh = await withSubsystem(t, async (session) => {
    says(session, greeting)
    for await (const _ of asked(session)) continue
    hasEnded = true
  })
  const keys = await ssh.publicKeys()
  const waiting = [failureOf(keys.list()), failureOf(keys.remove(key))]
  await Promise.all([keys.close(), keys.close()])
  assert.equal(hasEnded, true)
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ code }) => code),
    ['ERR_SSH_CLOSED', 'ERR_SSH_CLOSED'],
  )
  assert.equal(await codeWhen(keys.add(key)), 'ERR_SSH_CLOSED')
  assert.equal(ssh.stats().sessions.open, 0)
  assert.ok((await ssh.keepalive.send()).rttMs >= 0)
  await keys.close()
})

test('a subsystem that does not end is left at a limit', async (t) => {
  const ssh = await withSubsystem(
    t,
    async (session) => {
      says(session, greeting)
      for await (const _ of asked(session)) continue
      await new Promise((resolve) => void session.stdout.once('close', resolve))
    },
    { limits: { channelClose: '200ms' } },
  )
  const keys = await ssh.publicKeys()
  await keys.close()
  assert.equal(await codeWhen(keys.list()), 'ERR_SSH_CLOSED')
  assert.ok((await ssh.keepalive.send()).rttMs >= 0)
})

test('what is aborted while it waits for its turn is not asked for', async (t) => {
  const store = new KeyStore()
  const keys = await (await withSubsystem(t, store.serve)).publicKeys()
  const given = new AbortController()
  const first = keys.list()
  const second = failureOf(keys.add(key, { signal: given.signal }))
  given.abort(new Error('no more'))
  assert.deepEqual(await first, [])
  assert.equal((await second).code, 'ERR_SSH_ABORTED')
  assert.deepEqual(await keys.list(), [])
  assert.deepEqual(store.log, ['version', 'list', 'list'])
})

test('a start that is aborted leaves nothing on the server', { timeout: 60_000 }, async (t) => {
  const over = new Deferred<void>()
  const ssh = await withSubsystem(t, async (session) => {
    await untilGone(session)
    over.resolve()
  })
  const given = new AbortController()
  const failed = failureOf(ssh.publicKeys({ signal: given.signal }))
  while (ssh.stats().sessions.open === 0) await turn()
  given.abort(new Error('no more'))
  assert.equal((await failed).code, 'ERR_SSH_ABORTED')
  await over.promise
  while (ssh.stats().sessions.open > 0) await turn()
})

async function failureOf(promise: Promise<unknown>): Promise<HoldfastError> {
  const reason: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(reason instanceof HoldfastError, `rejected with ${String(reason)}`)
  return reason
}

async function statusOf(promise: Promise<unknown>): Promise<number | undefined> {
  const error = await failureOf(promise)
  return error instanceof PublicKeyError ? error.status : undefined
}

async function codeWhen(promise: Promise<unknown>): Promise<string> {
  return (await failureOf(promise)).code
}

function codeOf(error: unknown): unknown {
  return error instanceof HoldfastError ? error.code : error
}
