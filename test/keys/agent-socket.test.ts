import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { SocketAgent } from '#src/keys/agent-socket.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { Writer } from '#src/wire/writer.js'
import { scriptedAgent, startSshAgent } from './agent-programs.js'
import { blobOf, kinds, makeKey, missing, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const data = Buffer.from('what is signed')
const forEver = new AbortController().signal

test('OpenSSH’s agent lists and signs, by every algorithm, for keys and certificates', {
  skip: missing('ssh-agent'),
}, async (context) => {
  const path = await startSshAgent(context)
  const directory = temporaryDirectory(context)
  for (const [name, ...options] of kinds) {
    const file = makeKey(directory, name, ...options)
    sshKeygen('-q', '-s', file, '-I', 'its id', '-n', 'me', `${file}.pub`)
    execFileSync('ssh-add', ['-q', file], { env: { SSH_AUTH_SOCK: path }, timeout: 10_000 })
  }
  const agent = new SocketAgent(path)
  const identities = await agent.identities(forEver)
  assert.equal(identities.length, 2 * kinds.length)
  assert.deepEqual(identities[0]?.publicKey.blob, blobOf(`${directory}/ed25519.pub`))
  assert.equal(identities[0]?.comment, 'comment of ed25519')
  for (const { publicKey } of identities) {
    for (const algorithm of publicKey.signatureAlgorithms.filter((name) => name !== 'ssh-rsa')) {
      const signature = await agent.sign(publicKey, algorithm, data, forEver)
      assert.ok(publicKey.verify(algorithm, data, signature), `${publicKey.type} by ${algorithm}`)
    }
  }
  const stranger = generatePrivateKey('ssh-ed25519').publicKey
  await assert.rejects(agent.sign(stranger, 'ssh-ed25519', data, forEver), {
    code: 'ERR_SSH_AGENT',
    message: /refused to sign/,
  })
})

test('an agent that accepts and never answers is given up when the caller says so', async (context) => {
  let closed: Promise<unknown> | undefined
  const path = await scriptedAgent(context, (socket) => {
    closed = once(socket, 'close')
    socket.resume()
  })
  const agent = new SocketAgent(path)
  for (const call of ['identities', 'sign'] as const) {
    const reason = new Error('the limit agent')
    const error: unknown = await ask(agent, call, abortSoon(reason)).catch((caught: unknown) => caught)
    assert.ok(error instanceof Error && 'code' in error)
    assert.deepEqual([error.code, error.cause], ['ERR_SSH_ABORTED', reason])
    await closed
  }
  await assert.rejects(agent.identities(AbortSignal.abort(new Error('before'))), { code: 'ERR_SSH_ABORTED' })
})

function ask(agent: SocketAgent, call: 'identities' | 'sign', signal: AbortSignal): Promise<unknown> {
  const { publicKey } = generatePrivateKey('ssh-ed25519')
  return call === 'sign' ? agent.sign(publicKey, 'ssh-ed25519', data, signal) : agent.identities(signal)
}

function abortSoon(reason: Error): AbortSignal {
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), 50)
  return controller.signal
}

test('a request that waits for a person keeps no other from its answer', async (context) => {
  const key = generatePrivateKey('ssh-ed25519')
  const person = new EventEmitter()
  const path = await scriptedAgent(context, (socket) => {
    socket.once('data', (request: Buffer) => {
      if (request[4] === 11) socket.write(answer(new Writer().byte(12).uint32(0)))
      else person.emit('asked', socket)
    })
  })
  const agent = new SocketAgent(path)
  const signing = agent.sign(key.publicKey, 'ssh-ed25519', data, forEver)
  const [socket] = (await once(person, 'asked')) as [Socket]
  for (let round = 0; round < 20; round++) assert.deepEqual(await agent.identities(forEver), [])
  socket.write(signatureAnswer(key.sign('ssh-ed25519', data)))
  assert.ok(key.publicKey.verify('ssh-ed25519', data, await signing))
})

test('close() ends what is under way and refuses what comes after', async (context) => {
  const path = await scriptedAgent(context, (socket) => {
    socket.once('data', () => agent.close())
  })
  const agent = new SocketAgent(path)
  await assert.rejects(agent.identities(forEver), { code: 'ERR_SSH_CLOSED' })
  await assert.rejects(agent.identities(forEver), { code: 'ERR_SSH_CLOSED' })
})

test('answers that are wrong, cut, oversized or missing', async (context) => {
  const cases: readonly [(socket: Socket) => void, RegExp][] = [
    [(socket) => socket.end(), /closed the connection without an answer/],
    [(socket) => socket.end(answer(new Writer().byte(12).uint32(1)).subarray(0, 7)), /without an answer/],
    [(socket) => socket.write(Buffer.from('ffffffff', 'hex')), /4294967295 bytes/],
    [(socket) => socket.write(Buffer.alloc(4)), /message of 0 bytes/],
    [(socket) => socket.write(answer(new Writer().byte(5))), /refused to list its keys/],
    [(socket) => socket.write(answer(new Writer().byte(99))), /message number is 99/],
    [(socket) => socket.write(answer(new Writer().byte(12).uint32(5000))), /number of keys is 5000/],
    [(socket) => socket.write(answer(new Writer().byte(12).uint32(1))), /key needs 4 bytes/],
  ]
  for (const [behave, message] of cases) {
    const path = await scriptedAgent(context, (socket) => void socket.once('data', () => behave(socket)))
    await assert.rejects(new SocketAgent(path).identities(forEver), { code: 'ERR_SSH_AGENT', message })
  }
})

test('a key of an unknown type hides no other', async (context) => {
  const { publicKey } = generatePrivateKey('ssh-ed25519')
  const list = new Writer()
    .byte(12)
    .uint32(2)
    .string(Buffer.from('junk'))
    .string('junk')
    .string(publicKey.blob)
    .string('good')
  const path = await scriptedAgent(context, (socket) => void socket.once('data', () => socket.write(answer(list))))
  const identities = await new SocketAgent(path).identities(forEver)
  assert.deepEqual(
    identities.map(({ comment }) => comment),
    ['good'],
  )
})

test('an agent that signs by another algorithm than asked is refused', async (context) => {
  const key = generatePrivateKey('ssh-rsa')
  const path = await scriptedAgent(context, (socket) => {
    socket.once('data', () => socket.write(signatureAnswer(key.sign('ssh-rsa', data))))
  })
  await assert.rejects(new SocketAgent(path).sign(key.publicKey, 'rsa-sha2-512', data, forEver), {
    code: 'ERR_SSH_AGENT',
    message: /signed by ssh-rsa, where rsa-sha2-512 was asked for/,
  })
})

test('no agent is there', async () => {
  await assert.rejects(new SocketAgent('/nonexistent/agent').identities(forEver), {
    code: 'ERR_SSH_AGENT',
    message: /the agent at \/nonexistent\/agent could not be reached: nothing is there/,
  })
})

function answer(message: Writer): Buffer {
  return new Writer().string(message.finish()).finish()
}

function signatureAnswer(signature: Buffer): Buffer {
  return answer(new Writer().byte(14).string(signature))
}
