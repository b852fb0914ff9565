import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import type { AuthWay } from '#src/auth/client.js'
import type { Signer, SignerSource } from '#src/auth/signer.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import {
  encodePublicKeyOk,
  encodeSignedData,
  encodeUserauthFailure,
  encodeUserauthSuccess,
} from '#src/wire/auth-messages.js'
import { failsWith } from './support/errors.js'
import { End, ecdsa, ed25519, limits, runClient, type Script, signerOf } from './support/line.js'

const success = encodeUserauthSuccess()
const refuse = (...methods: string[]) => encodeUserauthFailure({ methods, partialSuccess: false })
const keys = (...all: (Signer | SignerSource)[]): AuthWay => ({ method: 'publickey', keys: all })
const rsa = generatePrivateKey('ssh-rsa')
const agent = (...signers: Signer[]): SignerSource => ({
  name: 'the agent at /run/agent',
  signers: async () => signers,
})
const inAgent = (key: typeof ed25519, more: Partial<Signer> = {}) =>
  signerOf(key, { waitsOn: 'agent', source: 'the agent at /run/agent', ...more })

/** Takes any key whose signature is right for this session. */
const accepting =
  (end: End): Script =>
  (request) => {
    assert.ok(request?.method === 'publickey')
    if (request.signature === undefined) return [encodePublicKeyOk(request)]
    const key = [ed25519, ecdsa, rsa].find(({ publicKey }) => publicKey.blob.equals(request.key))
    assert.ok(key?.publicKey.verify(request.algorithm, encodeSignedData(end.sessionId, request), request.signature))
    return [success]
  }

const stuck = (key: typeof ed25519) => inAgent(key, { sign: () => new Promise(() => {}) })

const shape = (end: End) =>
  end.requests().map((request) => {
    assert.ok(request.method === 'publickey')
    return `${request.algorithm} ${request.signature === undefined ? 'query' : 'signed'}`
  })

test('one key in memory signs at once, over the session of this connection', async () => {
  const end = new End()
  await runClient({ ways: [keys(signerOf(ed25519))] }, accepting(end), end).done
  assert.deepEqual(shape(end), ['ssh-ed25519 signed'])
})

test('of many keys each is asked about first, in order, and the one that will do signs', async () => {
  const end = new End()
  const script: Script = (request, payload) =>
    request?.method === 'publickey' && request.algorithm === 'ssh-ed25519'
      ? [refuse('publickey')]
      : accepting(end)(request, payload)
  await runClient({ ways: [keys(signerOf(ed25519), signerOf(ecdsa))] }, script, end).done
  assert.deepEqual(shape(end), ['ssh-ed25519 query', 'ecdsa-sha2-nistp256 query', 'ecdsa-sha2-nistp256 signed'])
})

test('a key that needs a person is asked about first', async () => {
  const end = new End()
  const waiting: string[] = []
  await runClient(
    {
      ways: [keys(signerOf(ed25519, { waitsOn: 'person' }))],
      onWaiting: ({ on, what }) => waiting.push(`${on}: ${what}`),
    },
    accepting(end),
    end,
  ).done
  assert.deepEqual(shape(end), ['ssh-ed25519 query', 'ssh-ed25519 signed'])
  assert.match(waiting.join(), /^person: the signature by ssh-ed25519 SHA256:/)
})

test('a key that was refused is not offered again from another source', async () => {
  const { done, end } = runClient({ ways: [keys(agent(inAgent(ed25519)), signerOf(ed25519))] }, () => [
    refuse('publickey'),
  ])
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION'))
  assert.deepEqual(shape(end), ['ssh-ed25519 query'])
})

test('a key that its agent could not use is used from a file', async () => {
  const end = new End()
  const refusing = inAgent(ed25519, {
    sign: async () => {
      throw new HoldfastError('ERR_SSH_AGENT', 'the agent refused to sign')
    },
  })
  await runClient({ ways: [keys(agent(refusing), signerOf(ed25519))] }, accepting(end), end).done
  assert.deepEqual(shape(end), ['ssh-ed25519 query', 'ssh-ed25519 query', 'ssh-ed25519 signed'])
})

for (const [offered, expected] of [
  [['rsa-sha2-256', 'rsa-sha2-512'], 'rsa-sha2-512 signed'],
  [['ssh-ed25519', 'rsa-sha2-256'], 'rsa-sha2-256 signed'],
  [undefined, 'rsa-sha2-256 signed'],
] as const) {
  test(`RSA signs with SHA-2: server-sig-algs ${offered?.join() ?? 'absent'} gives ${expected}`, async () => {
    const end = new End()
    end.serverSigAlgs = offered
    await runClient({ ways: [keys(signerOf(rsa))] }, accepting(end), end).done
    assert.deepEqual(shape(end), [expected])
  })
}

test('RSA with SHA-1 is not used unless it is named', async () => {
  const end = new End()
  end.serverSigAlgs = ['ssh-rsa']
  const { done } = runClient({ ways: [keys(signerOf(rsa))] }, () => [refuse('publickey')], end)
  await assert.rejects(
    done,
    failsWith('ERR_SSH_AUTHENTICATION', /no signature algorithm is left for this key; the peer takes ssh-rsa/),
  )
  assert.deepEqual(
    end.requests().map(({ method }) => method),
    ['none'],
  )
})

test('RSA with SHA-1 is used when it is named', async () => {
  const end = new End()
  end.serverSigAlgs = ['ssh-rsa']
  const way: AuthWay = { method: 'publickey', keys: [signerOf(rsa)], algorithms: ['ssh-rsa'] }
  await runClient({ ways: [way] }, () => [success], end).done
  assert.deepEqual(shape(end), ['ssh-rsa signed'])
})

test('server-sig-algs that name RSA alone do not rule out other keys', async () => {
  const end = new End()
  end.serverSigAlgs = ['rsa-sha2-256', 'rsa-sha2-512']
  await runClient({ ways: [keys(signerOf(ed25519))] }, accepting(end), end).done
})

test('an agent that signs with another algorithm than asked for is not passed on', async () => {
  const old = inAgent(rsa, { sign: async (_algorithm, data) => ed25519.sign('ssh-ed25519', data) })
  const { done, end } = runClient({ ways: [keys(old)] }, (request) =>
    request?.method === 'publickey' ? [encodePublicKeyOk(request)] : [refuse('publickey')],
  )
  await assert.rejects(
    done,
    failsWith(
      'ERR_SSH_AUTHENTICATION',
      /the agent at \/run\/agent signed by ssh-ed25519, where rsa-sha2-256 was asked for/,
    ),
  )
  assert.equal(end.requests()[1]?.method, 'none')
})

test('an agent that never lists its keys costs its limit, then the next way is tried', async () => {
  const end = new End()
  const silent: SignerSource = { name: 'the agent at /run/agent', signers: () => new Promise(() => {}) }
  const ways: AuthWay[] = [keys(silent), { method: 'password', password: 'x' }]
  const { done } = runClient({ ways }, () => [success], end)
  await end.advance(limits.agent)
  await done
  assert.equal(end.requests()[0]?.method, 'password')
})

test('an agent that cannot be reached is named in the error', async () => {
  const broken: SignerSource = {
    name: 'the agent at /run/agent',
    signers: async () => {
      throw new Error('connect ECONNREFUSED')
    },
  }
  const { done } = runClient({ ways: [keys(broken)] }, () => [refuse('publickey')])
  await assert.rejects(
    done,
    failsWith('ERR_SSH_AUTHENTICATION', /the agent at \/run\/agent: connect ECONNREFUSED; the peer offers publickey/),
  )
})

test('with nothing but an agent that fails, the hint says what else there is', async () => {
  const broken: SignerSource = { name: 'the agent', signers: () => Promise.reject(new Error('gone')) }
  const { done } = runClient({ ways: [keys(broken)] }, () => [refuse('publickey')])
  await assert.rejects(
    done,
    (error) => error instanceof HoldfastError && /`identityFiles` or `password`/.test(error.hint),
  )
})

test('nothing is signed before the session has its identifier', async () => {
  const end = new End()
  end.sessionId = Buffer.alloc(0)
  const { done } = runClient({ ways: [keys(signerOf(ed25519))] }, () => [success], end)
  await assert.rejects(done, RangeError)
  assert.equal(end.sent.length, 0)
})

test('an agent that takes a person’s time to sign is waited for, and it is said', async () => {
  const end = new End()
  const waiting: string[] = []
  const signings: (() => void)[] = []
  const slow = inAgent(ed25519, {
    sign: (algorithm, data) =>
      new Promise((resolve) => {
        signings.push(() => resolve(ed25519.sign(algorithm, data)))
      }),
  })
  const { done } = runClient(
    { ways: [keys(agent(slow))], onWaiting: ({ on }) => waiting.push(on) },
    accepting(end),
    end,
  )
  await end.advance(limits.agent - 1)
  assert.deepEqual(waiting, [])
  await end.advance(25_000)
  assert.deepEqual(waiting, ['agent'])
  for (const sign of signings) sign()
  await done
})

test('an agent that lists keys and never signs is bounded, and its other keys are not tried', async () => {
  const end = new End()
  const ways: AuthWay[] = [keys(agent(stuck(ed25519), stuck(ecdsa))), { method: 'password', password: 'x' }]
  const { done } = runClient(
    { ways },
    (request) => [request?.method === 'publickey' ? encodePublicKeyOk(request) : success],
    end,
  )
  await end.advance(limits.agent + limits.prompt)
  await done
  assert.deepEqual(
    end.requests().map(({ method }) => method),
    ['publickey', 'password'],
  )
})

test('a connection that ends while an agent signs ends authentication', async () => {
  const end = new End()
  const { done } = runClient(
    { ways: [keys(stuck(ed25519))] },
    (request) => (request?.method === 'publickey' ? [encodePublicKeyOk(request)] : []),
    end,
  )
  await end.advance(1)
  end.waits.drain(new HoldfastError('ERR_SSH_PEER_DEAD', 'the peer is dead'))
  await assert.rejects(done, failsWith('ERR_SSH_PEER_DEAD'))
  assert.equal(end.requests().length, 1)
  assert.equal(end.deadlines.size, 0)
})

test('PK_OK for another key is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [keys(signerOf(ed25519), signerOf(ecdsa))] }, () => [
    encodePublicKeyOk({ algorithm: 'ssh-ed25519', key: ecdsa.publicKey.blob }),
  ])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /names another key/))
})

test('PK_OK for another algorithm is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [keys(signerOf(ed25519), signerOf(ecdsa))] }, () => [
    encodePublicKeyOk({ algorithm: 'ssh-rsa', key: ed25519.publicKey.blob }),
  ])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /names the algorithm ssh-rsa, where ssh-ed25519 was asked/))
})

test('PK_OK in answer to a signature is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [keys(signerOf(ed25519))] }, () => [
    encodePublicKeyOk({ algorithm: 'ssh-ed25519', key: ed25519.publicKey.blob }),
  ])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /message 60 came while the answer to publickey/))
})

test('SUCCESS in answer to a query, which proved nothing, is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [keys(signerOf(ed25519), signerOf(ecdsa))] }, () => [success])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /USERAUTH_SUCCESS came while the answer to the query/))
})
