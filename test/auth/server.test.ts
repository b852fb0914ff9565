import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthWay } from '#src/auth/client.js'
import { ServerAuthentication } from '#src/auth/server.js'
import type { AuthAttempt, Authenticate } from '#src/auth/server-attempt.js'
import { certifiedSigner, keySigner } from '#src/auth/signers.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import {
  encodeInfoResponse,
  encodeSignedData,
  encodeUserauthRequest,
  type PublicKeyRequest,
} from '#src/wire/auth-messages.js'
import { messageNumber } from '#src/wire/numbers.js'
import { encodeServiceRequest } from '#src/wire/transport-messages.js'
import { certify } from './support/certificate.js'
import { failsWith } from './support/errors.js'
import { End, ecdsa, ed25519 } from './support/line.js'
import { joined } from './support/pair.js'

const rsa = generatePrivateKey('ssh-rsa')
const keys = (...all: (typeof rsa)[]): AuthWay => ({
  method: 'publickey',
  keys: all.map((key) => keySigner(key, 'memory')),
})
const password = (text: string): AuthWay => ({ method: 'password', password: text })
const head = { username: 'deploy', service: 'ssh-connection' } as const

test('a password is taken or refused as the callback says', async () => {
  const seen: AuthAttempt[] = []
  const { client, server } = joined(
    { ways: [password('secret')] },
    {
      authenticate: async (attempt) => {
        seen.push(attempt)
        return 'accept'
      },
    },
  )
  await client.done
  assert.deepEqual(await server.done, seen[0])
  assert.deepEqual(seen, [{ username: 'deploy', method: 'password', password: 'secret', newPassword: undefined }])
  assert.equal(client.authentication.succeeded, true)
  assert.equal(server.authentication.succeeded, true)
  for (const { end } of [client, server]) assert.deepEqual([end.waits.size, end.deadlines.size], [0, 0])
})

test('the callback may take its time', async () => {
  const decisions: ((decision: 'accept') => void)[] = []
  const { client, server } = joined(
    { ways: [password('x')] },
    { authenticate: () => new Promise((resolve) => decisions.push(resolve)) },
  )
  const said = () => server.end.sent.map(([number]) => number)
  await Promise.all([client.end.advance(10_000), server.end.advance(10_000)])
  assert.deepEqual(said(), [messageNumber.SERVICE_ACCEPT])
  decisions[0]?.('accept')
  await client.done
  assert.deepEqual(said(), [messageNumber.SERVICE_ACCEPT, messageNumber.USERAUTH_SUCCESS])
})

for (const key of [ed25519, ecdsa, rsa]) {
  test(`a key of type ${key.publicKey.type} is asked about, then proved`, async () => {
    const proved: boolean[] = []
    const other = generatePrivateKey('ssh-ed25519')
    const authenticate: Authenticate = async (attempt) => {
      if (attempt.method !== 'publickey' || !attempt.key.blob.equals(key.publicKey.blob)) return 'refuse'
      proved.push(attempt.proved)
      return 'accept'
    }
    const { client } = joined({ ways: [keys(other, key)] }, { authenticate })
    await client.done
    assert.deepEqual(proved, [false, true])
  })

  test(`a certificate for a key of type ${key.publicKey.type} is tried before plain keys`, async () => {
    const certificate = certify(key.publicKey, ed25519)
    const certified = certifiedSigner(keySigner(key, 'memory'), certificate)
    const way: AuthWay = { method: 'publickey', keys: [keySigner(key, 'memory'), certified] }
    const types: string[] = []
    const { client } = joined(
      { ways: [way] },
      {
        authenticate: async (attempt) => {
          types.push(attempt.method === 'publickey' ? attempt.key.type : attempt.method)
          return 'accept'
        },
      },
    )
    await client.done
    assert.deepEqual(types, [certificate.type, certificate.type])
  })
}

test('what a key is called in the request must be what it is', async () => {
  const { server } = speak({ authenticate: async () => 'accept' })
  server.send({ ...head, method: 'publickey', algorithm: 'ssh-rsa', key: ed25519.publicKey.blob, signature: undefined })
  assert.deepEqual(await server.heard(), [6, 51])
})

test('RSA with SHA-1 is refused unless it is named', async () => {
  for (const algorithms of [undefined, ['ssh-rsa']]) {
    const { server } = speak({ authenticate: async () => 'accept', ...(algorithms && { algorithms }) })
    server.send({ ...head, method: 'publickey', algorithm: 'ssh-rsa', key: rsa.publicKey.blob, signature: undefined })
    assert.deepEqual(await server.heard(), [6, algorithms ? 60 : 51])
  }
})

for (const [what, change] of Object.entries({
  'of another session': (request: PublicKeyRequest) => encodeSignedData(Buffer.alloc(32, 8), { ...head, ...request }),
  'for another user': (request: PublicKeyRequest) =>
    encodeSignedData(Buffer.alloc(32, 7), { ...head, ...request, username: 'root' }),
  'for another service': (request: PublicKeyRequest) =>
    encodeSignedData(Buffer.alloc(32, 7), { ...head, ...request, service: 'x' }),
})) {
  test(`a signature ${what} proves nothing, and nobody is asked`, async () => {
    const asked: AuthAttempt[] = []
    const { server } = speak({
      authenticate: async (attempt) => {
        asked.push(attempt)
        return 'accept'
      },
    })
    const request = { method: 'publickey', algorithm: 'ssh-ed25519', key: ed25519.publicKey.blob } as const
    const signature = ed25519.sign('ssh-ed25519', change({ ...request, signature: undefined }))
    server.send({ ...head, ...request, signature })
    assert.deepEqual(await server.heard(), [6, 51])
    assert.deepEqual(asked, [])
  })
}

test('both a key and a password, where the server wants both', async () => {
  const methods: string[] = []
  const { client } = joined(
    { ways: [password('x'), keys(ed25519)] },
    {
      methods: ['publickey'],
      authenticate: async ({ method }) => {
        methods.push(method)
        return method === 'publickey' ? { partial: ['password'] } : 'accept'
      },
    },
  )
  await client.done
  assert.deepEqual(methods, ['publickey', 'password'])
})

test('what was proved for one user says nothing of another', async () => {
  const { server } = speak({
    methods: ['publickey'],
    authenticate: async ({ method }) => (method === 'publickey' ? { partial: ['password'] } : 'accept'),
  })
  const request = { method: 'publickey', algorithm: 'ssh-ed25519', key: ed25519.publicKey.blob } as const
  const signature = ed25519.sign('ssh-ed25519', encodeSignedData(Buffer.alloc(32, 7), { ...head, ...request }))
  server.send({ ...head, ...request, signature })
  server.send({ ...head, username: 'root', method: 'password', password: 'x', newPassword: undefined })
  assert.deepEqual(await server.heard(), [6, 51, 51])
})

test('an expired password is changed', async () => {
  const instructions: string[] = []
  const way: AuthWay = {
    method: 'password',
    password: 'old',
    changePassword: async ({ instruction }) => {
      instructions.push(instruction)
      return [instructions.length === 1 ? 'worse' : 'better']
    },
  }
  await joined(
    { ways: [way] },
    {
      authenticate: async (attempt) => {
        if (attempt.method !== 'password') return 'refuse'
        return attempt.newPassword === 'better' ? 'accept' : { changePassword: 'It has expired.' }
      },
    },
  ).client.done
  assert.deepEqual(instructions, ['It has expired.', 'It has expired.'])
})

test('keyboard-interactive asks as often as the callback likes', async () => {
  const way: AuthWay = {
    method: 'keyboard-interactive',
    answers: async ({ prompts }) => prompts.map(({ text }) => `${text}!`),
  }
  await joined(
    { ways: [way] },
    {
      authenticate: async (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return 'refuse'
        const ask = (text: string) => attempt.ask({ name: '', instruction: '', prompts: [{ text, echo: false }] })
        const [first] = await ask('Password: ')
        const [second] = await ask('Code: ')
        return first === 'Password: !' && second === 'Code: !' ? 'accept' : 'refuse'
      },
    },
  ).client.done
})

test('a client that turns away from a form gets no answer for it, only for what it turned to', async () => {
  const ways: AuthWay[] = [{ method: 'keyboard-interactive', answers: 'secret' }, password('secret')]
  const { client, server } = joined(
    { ways },
    {
      authenticate: async (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return 'accept'
        await attempt.ask({ name: '', instruction: '', prompts: [{ text: 'Code: ', echo: true }] })
        return 'accept'
      },
    },
  )
  await client.done
  assert.deepEqual(
    server.end.sent.map((payload) => payload[0]),
    [messageNumber.SERVICE_ACCEPT, 60, messageNumber.USERAUTH_SUCCESS],
  )
})

test('a form that is never answered is bounded', async () => {
  const way: AuthWay = { method: 'keyboard-interactive', answers: () => new Promise(() => {}) }
  const { server } = joined(
    { ways: [way] },
    {
      authenticate: async (attempt) => {
        if (attempt.method === 'keyboard-interactive')
          await attempt.ask({ name: '', instruction: '', prompts: [{ text: 'Code: ', echo: true }] })
        return 'accept'
      },
      limits: { authentication: 60_000, prompt: 30_000 },
    },
  )
  await server.end.advance(30_000)
  await assert.rejects(server.done, failsWith('ERR_SSH_TIMEOUT', /the answers to a form/))
})

test('the banner comes before the first answer, once', async () => {
  const banners: string[] = []
  const { client } = joined(
    { ways: [password('a'), password('b')], onBanner: ({ message }) => banners.push(message) },
    {
      banner: 'Keep out',
      authenticate: async (attempt) =>
        attempt.method === 'password' && attempt.password === 'b' ? 'accept' : 'refuse',
    },
  )
  await client.done
  assert.deepEqual(banners, ['Keep out'])
})

test('the connection ends after six refusals; a probe with none first is not counted', async () => {
  const { client, server } = joined({ ways: Array.from({ length: 9 }, () => password('wrong')) }, {})
  await assert.rejects(server.done, failsWith('ERR_SSH_AUTHENTICATION', /the client failed 6 times .* 'deploy'/))
  await assert.rejects(client.done, failsWith('ERR_SSH_AUTHENTICATION', /tried (password: refused; ){5}/))
})

test('a callback that throws ends the connection with what it threw', async () => {
  const thrown = new Error('database is gone')
  const { server, client } = joined(
    { ways: [password('x')] },
    {
      authenticate: async () => {
        throw thrown
      },
    },
  )
  await assert.rejects(server.done, thrown)
  await assert.rejects(client.done, failsWith('ERR_SSH_DISCONNECTED'))
})

test('a client that never authenticates is given its limit', async () => {
  const { server, end } = speak({})
  await end.advance(120_000)
  await assert.rejects(server.run(), failsWith('ERR_SSH_TIMEOUT', /the authentication of the client/))
})

test('a decision that comes after the connection ended sends nothing', async () => {
  const decisions: ((decision: 'accept') => void)[] = []
  const { server, end } = speak({ authenticate: () => new Promise((resolve) => decisions.push(resolve)) })
  server.send({ ...head, method: 'none' })
  await end.advance(120_000)
  decisions[0]?.('accept')
  assert.deepEqual(await server.heard(), [6])
  await assert.rejects(server.run(), failsWith('ERR_SSH_TIMEOUT'))
})

test('what a server refuses as a breach of the protocol', () => {
  const none = encodeUserauthRequest({ ...head, method: 'none' })
  assert.throws(() => fresh().receive(none), failsWith('ERR_SSH_PROTOCOL', /came before the service/))
  assert.throws(
    () => fresh().receive(encodeServiceRequest('ssh-connection')),
    failsWith('ERR_SSH_PROTOCOL', /service name is ssh-connection/),
  )
  const { server } = speak({ authenticate: () => new Promise(() => {}) })
  assert.throws(
    () => server.receive(encodeServiceRequest('ssh-userauth')),
    failsWith('ERR_SSH_PROTOCOL', /second time/),
  )
  assert.throws(() => server.receive(encodeInfoResponse([])), failsWith('ERR_SSH_PROTOCOL', /no form is open/))
  assert.throws(() => server.receive(Buffer.of(52)), failsWith('ERR_SSH_PROTOCOL', /USERAUTH_SUCCESS is no message/))
  const flood = () => Array.from({ length: 18 }, () => server.receive(none))
  assert.throws(flood, failsWith('ERR_SSH_PROTOCOL', /more than 16 requests/))
})

test('requests after success are silently ignored', async () => {
  const { server } = speak({ authenticate: async () => 'accept' })
  server.send({ ...head, method: 'none' })
  assert.deepEqual(await server.heard(), [6, 52])
  server.send({ ...head, method: 'none' })
  assert.deepEqual(await server.heard(), [6, 52])
})

test('unknown methods and services are refused without a question', async () => {
  const { server } = speak({ authenticate: async () => 'accept' })
  const gssapi = encodeUserauthRequest({ ...head, method: 'none' })
  gssapi.write('gone', gssapi.length - 4, 'latin1')
  server.receive(gssapi)
  server.send({ ...head, service: 'ssh-other', method: 'none' })
  assert.deepEqual(await server.heard(), [6, 51, 51])
})

type Options = ConstructorParameters<typeof ServerAuthentication>[1]

function fresh(end = new End(), options: Partial<Options> = {}): ServerAuthentication {
  return new ServerAuthentication(end.port, {
    methods: ['publickey', 'password', 'keyboard-interactive'],
    authenticate: async () => 'refuse',
    ...options,
  })
}

/** A server whose client is the test itself; the service has been granted. */
function speak(options: Partial<Options>) {
  const end = new End()
  const authentication = fresh(end, options)
  authentication.receive(encodeServiceRequest('ssh-userauth'))
  return {
    end,
    server: {
      receive: (payload: Buffer) => authentication.receive(payload),
      run: () => authentication.run(),
      send: (request: Parameters<typeof encodeUserauthRequest>[0]) =>
        authentication.receive(encodeUserauthRequest(request)),
      /** The numbers of all that the server has sent. */
      heard: async () => {
        await end.advance(0)
        return end.sent.map((payload) => payload[0])
      },
    },
  }
}
