import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from 'holdfast'
import type { AuthWay } from '#src/auth/client.js'
import type { AskPerson } from '#src/auth/prompt.js'
import { detailsOf } from '#src/errors.js'
import {
  encodePasswordChangeRequest,
  encodePublicKeyOk,
  encodeUserauthBanner,
  encodeUserauthFailure,
  encodeUserauthSuccess,
} from '#src/wire/auth-messages.js'
import { encodeServiceAccept } from '#src/wire/transport-messages.js'
import { failsWith } from './support/errors.js'
import { End, ecdsa, ed25519, limits, runClient, type Script, signerOf } from './support/line.js'

const accept = encodeServiceAccept('ssh-userauth')
const success = encodeUserauthSuccess()
const refuse = (...methods: string[]) => encodeUserauthFailure({ methods, partialSuccess: false })
const partly = (...methods: string[]) => encodeUserauthFailure({ methods, partialSuccess: true })
const password = (text: string): AuthWay => ({ method: 'password', password: text })

test('a password goes out as the first request, without a question before it', async () => {
  const { done, end, client } = runClient({ ways: [password('secret')] }, () => [success])
  await done
  assert.equal(end.requests().length, 1)
  assert.deepEqual(end.requests()[0], {
    username: 'deploy',
    service: 'ssh-connection',
    method: 'password',
    password: 'secret',
    newPassword: undefined,
  })
  assert.equal(client.succeeded, true)
  assert.equal(end.waits.size, 0)
  assert.equal(end.deadlines.size, 0)
})

test('the connection is told how long each answer took, without what went before', async () => {
  const end = new End()
  const took = [300, 200]
  const answer: Script = () => {
    end.now += took[end.tookMs.length] ?? 0
    return end.tookMs.length === 0 ? [refuse('password')] : [success]
  }
  const { done } = runClient(
    { ways: [{ method: 'publickey', keys: [signerOf(ed25519)] }, password('secret')] },
    answer,
    end,
  )
  await done
  assert.deepEqual(end.tookMs, took)
})

test('with nothing to authenticate with, none is asked for, and may do', async () => {
  const { done, end } = runClient({}, () => [success])
  await done
  assert.equal(end.requests()[0]?.method, 'none')
})

test('with nothing to authenticate with and a peer that wants something, the error says what was looked for', async () => {
  const { done } = runClient({ notes: ['~/.ssh/id_ed25519: no such file'] }, () => [refuse('publickey', 'password')])
  await assert.rejects(
    done,
    failsWith(
      'ERR_SSH_AUTHENTICATION',
      /no way to authenticate as 'deploy'/,
      /id_ed25519: no such file/,
      /publickey, password/,
    ),
  )
})

test('the error lists what was tried and what the peer offers, without the password', async () => {
  const { done } = runClient(
    { ways: [{ method: 'publickey', keys: [signerOf(ed25519)] }, password('hunter2')] },
    () => [refuse('publickey', 'password')],
  )
  const fingerprint = ed25519.publicKey.fingerprint()
  await assert.rejects(done, (error: unknown) => {
    failsWith(
      'ERR_SSH_AUTHENTICATION',
      /publickey ssh-ed25519 SHA256:.* \(~\/\.ssh\/id\): refused; password: refused/,
    )(error)
    assert.ok(error instanceof HoldfastError)
    assert.ok(error.message.includes(fingerprint))
    assert.match(error.message, /the peer offers publickey, password/)
    assert.doesNotMatch(error.message, /hunter2/)
    assert.equal(error.host, 'example.org')
    assert.equal(error.phase, 'authentication')
    return true
  })
})

test('what the peer calls its methods is cleaned before it is shown', async () => {
  const evil = Buffer.concat([Buffer.from([51, 0, 0, 0, 4]), Buffer.from('a\x1b[m'), Buffer.from([0])])
  const { done } = runClient({ ways: [password('x')] }, () => [evil])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /authentications that can continue/))
})

test('a method that the peer does not offer is left out', async () => {
  const keys: AuthWay = { method: 'publickey', keys: [signerOf(ed25519)] }
  const { done, end } = runClient({ ways: [keys, password('secret')] }, (request) =>
    request?.method === 'password' ? [success] : [refuse('password')],
  )
  await done
  assert.deepEqual(
    end.requests().map((request) => request.method),
    ['publickey', 'password'],
  )
})

test('partial success: the methods that the peer names next are used, also one it did not offer before', async () => {
  const keys: AuthWay = { method: 'publickey', keys: [signerOf(ed25519)] }
  let seenKey = false
  const { done, end } = runClient({ ways: [password('secret'), keys] }, (request) => {
    if (request?.method === 'password') return [seenKey ? success : refuse('publickey')]
    seenKey = true
    return [partly('password')]
  })
  await done
  assert.deepEqual(
    end.requests().map((request) => request.method),
    ['password', 'publickey', 'password'],
  )
})

test('partial success: two keys, where the peer wants two', async () => {
  const keys: AuthWay = { method: 'publickey', keys: [signerOf(ed25519), signerOf(ecdsa)] }
  const { done, end } = runClient({ ways: [keys] }, (request) => {
    assert.ok(request?.method === 'publickey')
    if (request.signature === undefined) return [encodePublicKeyOk(request)]
    return [request.algorithm === 'ssh-ed25519' ? partly('publickey') : success]
  })
  await done
  assert.equal(end.requests().length, 4)
})

test('a peer that alternates what it offers cannot keep the client busy', async () => {
  const keys: AuthWay = { method: 'publickey', keys: [signerOf(ed25519)] }
  const { done, end } = runClient({ ways: [keys, password('x')] }, (request) => [
    refuse(request?.method === 'password' ? 'publickey' : 'password'),
  ])
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION'))
  assert.equal(end.requests().length, 3)
})

test('a person is not asked for a password that the peer does not take', async () => {
  const asked: string[] = []
  const ask = async () => {
    asked.push('password')
    return ['x']
  }
  const { done } = runClient({ ways: [{ method: 'password', password: ask }] }, () => [refuse('publickey')])
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION', /the peer offers publickey/))
  assert.deepEqual(asked, [])
})

test('a person may mistype a password twice, not three times', async () => {
  const answers = ['a', 'b', 'c', 'd']
  const ask = async () => [answers.shift() ?? '']
  const { done, end } = runClient({ ways: [{ method: 'password', password: ask }] }, () => [refuse('password')])
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION'))
  assert.deepEqual(
    end.requests().map((request) => request.method === 'password' && request.password),
    [false, 'a', 'b', 'c'],
  )
})

test('an expired password is changed when someone says to what', async () => {
  const seen: string[] = []
  const way: AuthWay = {
    method: 'password',
    password: 'old',
    changePassword: async ({ instruction }) => {
      seen.push(instruction)
      return ['new']
    },
  }
  const { done, end } = runClient({ ways: [way] }, (request) =>
    request?.method === 'password' && request.newPassword !== undefined
      ? [success]
      : [encodePasswordChangeRequest('Your password \x1b[31mexpired')],
  )
  await done
  assert.deepEqual(seen, ['Your password \\x1b[31mexpired'])
  assert.deepEqual(end.requests()[1], {
    username: 'deploy',
    service: 'ssh-connection',
    method: 'password',
    password: 'old',
    newPassword: 'new',
  })
})

const expired: Script = (request) => [
  request?.method === 'password' ? encodePasswordChangeRequest('expired') : refuse('password'),
]

test('an expired password that nobody changes fails with a hint that says so', async () => {
  const { done } = runClient({ ways: [password('old')] }, expired)
  await assert.rejects(done, (error: unknown) => {
    failsWith('ERR_SSH_AUTHENTICATION', /password: it has expired/)(error)
    assert.ok(error instanceof HoldfastError && error.hint.includes('changePassword'))
    return true
  })
})

test('a peer that likes no new password is asked five times', async () => {
  const way: AuthWay = { method: 'password', password: 'old', changePassword: async () => ['new'] }
  const { done, end } = runClient({ ways: [way] }, expired)
  await assert.rejects(done, failsWith('ERR_SSH_AUTHENTICATION'))
  assert.equal(end.requests().filter(({ method }) => method === 'password').length, 6)
})

test('a banner is handed on as it came', async () => {
  const banners: string[] = []
  const banner = encodeUserauthBanner({ message: 'Hello\r\n\x07', language: 'en' })
  const { done } = runClient({ ways: [password('x')], onBanner: ({ message }) => banners.push(message) }, () => [
    banner,
    success,
  ])
  await done
  assert.deepEqual(banners, ['Hello\r\n\x07'])
})

test('a banner as long as a packet can be is handed on, as OpenSSH shows it', async () => {
  const banners: string[] = []
  const message = 'x'.repeat(250_000)
  const { done } = runClient({ ways: [password('x')], onBanner: (banner) => banners.push(banner.message) }, () => [
    encodeUserauthBanner({ message, language: '' }),
    success,
  ])
  await done
  assert.deepEqual(banners, [message])
})

test('banners that together are longer than sshd loads one end the connection', async () => {
  const banner = encodeUserauthBanner({ message: 'x'.repeat(250_000), language: '' })
  const { done } = runClient({ ways: [password('x')] }, () => Array.from({ length: 5 }, () => banner))
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /USERAUTH_BANNER came with more than 1048576 bytes in all/))
})

test('a flood of banners ends the connection', async () => {
  const banner = encodeUserauthBanner({ message: 'x', language: '' })
  const { done } = runClient({ ways: [password('x')] }, () => Array.from({ length: 101 }, () => banner))
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /USERAUTH_BANNER came more than 100 times/))
})

test('a peer that never answers is given its limit, once over all steps', async () => {
  const end = new End()
  let requests = 0
  const { done } = runClient(
    { ways: [password('x'), password('y')] },
    () => {
      requests++
      if (requests > 1) return []
      end.now += 12_000
      return [refuse('password')]
    },
    end,
  )
  await end.advance(7999)
  assert.equal(end.waits.size, 1)
  await end.advance(1)
  await assert.rejects(done, (error: unknown) => {
    failsWith('ERR_SSH_TIMEOUT', /limit authentication of 20000 ms/, /tried password: refused/)(error)
    assert.ok(error instanceof HoldfastError)
    assert.equal(error.limit, 'authentication')
    assert.equal(error.limitMs, 20_000)
    return true
  })
  assert.equal(end.deadlines.size, 0)
})

test('a service that is never granted is not waited for longer', async () => {
  const { done, end } = runClient({ ways: [password('x')] }, () => [], new End(), [])
  await end.advance(20_000)
  await assert.rejects(done, failsWith('ERR_SSH_TIMEOUT', /the answer to the password did not come/))
})

test('time in which a person types does not count against the peer', async () => {
  const end = new End()
  const asked: ((texts: string[]) => void)[] = []
  const ask = () => new Promise<string[]>((resolve) => asked.push(resolve))
  const { done } = runClient(
    { ways: [{ method: 'password', password: ask }] },
    (request) => [request?.method === 'none' ? refuse('password') : success],
    end,
  )
  await end.advance(119_000)
  asked[0]?.(['x'])
  await done
})

test('a person who never types is bounded', async () => {
  const signals: AbortSignal[] = []
  const waiting: string[] = []
  const ask = (_form: unknown, signal: AbortSignal) => {
    signals.push(signal)
    return new Promise<string[]>(() => {})
  }
  const { done, end } = runClient(
    { ways: [{ method: 'password', password: ask }], onWaiting: ({ on, what }) => waiting.push(`${on}: ${what}`) },
    () => [refuse('password')],
  )
  await end.advance(limits.prompt)
  await assert.rejects(
    done,
    failsWith('ERR_SSH_TIMEOUT', /an answer to the prompt 'Password for deploy:' did not come/),
  )
  assert.equal(signals[0]?.aborted, true)
  assert.deepEqual(waiting, ["person: an answer to the prompt 'Password for deploy:'"])
})

test('a prompt that throws ends authentication, with what it threw', async () => {
  const cause = new Error('no terminal')
  const ask = async () => {
    throw cause
  }
  const { done } = runClient({ ways: [{ method: 'password', password: ask }] }, () => [refuse('password')])
  await assert.rejects(done, (error: unknown) => {
    failsWith('ERR_SSH_AUTHENTICATION', /prompt failed: no terminal/)(error)
    return error instanceof HoldfastError && error.cause === cause
  })
})

test('a prompt whose answers do not fit is an error of the caller', async () => {
  for (const answers of [[], ['a', 'b'], [42], 'secret', undefined]) {
    // @ts-expect-error: a program in JavaScript may give back anything
    const ask: AskPerson = async () => answers
    const { done } = runClient({ ways: [{ method: 'password', password: ask }] }, () => [refuse('password')])
    await assert.rejects(
      done,
      failsWith('ERR_SSH_OPTION', /an array of strings, one for each prompt of the form \(1\)$/),
    )
  }
})

/** The server refuses a password and then says goodbye, while it is asked about another. */
function refusedThenLeft(disconnect: HoldfastError): Promise<unknown> {
  const end = new End()
  const script = () => {
    if (end.requests().length === 1) return [refuse('password')]
    end.waits.drain(disconnect)
    return []
  }
  return runClient({ ways: [password('a'), password('b')] }, script, end).done
}

test('a disconnect after refusals says what was tried, and hints at MaxAuthTries', async () => {
  for (const disconnectReason of [2, 14, 15]) {
    const message = 'the peer said: Too many authentication failures'
    const disconnect = new HoldfastError('ERR_SSH_DISCONNECTED', message, { disconnectReason })
    await assert.rejects(refusedThenLeft(disconnect), (error: unknown) => {
      failsWith(
        'ERR_SSH_AUTHENTICATION',
        /Too many authentication failures; before that, authentication tried password: refused/,
      )(error)
      assert.ok(error instanceof HoldfastError && /fewer keys/.test(error.hint))
      return error.cause === disconnect && error.disconnectReason === disconnectReason
    })
  }
})

test('a server that goes for a reason of its own has not judged who asks, whatever it refused before', async () => {
  for (const disconnectReason of [1, 3, 5, 7, 8, 9, 10, 11, 12, 13]) {
    const disconnect = new HoldfastError('ERR_SSH_DISCONNECTED', 'the peer said: restarting', { disconnectReason })
    await assert.rejects(refusedThenLeft(disconnect), (error: unknown) => {
      failsWith('ERR_SSH_DISCONNECTED', /restarting; before that, authentication tried password: refused/)(error)
      assert.ok(error instanceof HoldfastError && error.hint === disconnect.hint)
      return error.cause === disconnect && error.disconnectReason === disconnectReason
    })
  }
})

test('a loss after refusals says all that it said before', async () => {
  const details = { host: 'a:22', hop: 'b:22', limit: 'tcp', limitMs: 1, elapsedMs: 2, delivery: 'not-sent' } as const
  const lost = new HoldfastError('ERR_SSH_CONNECTION_LOST', 'lost', details)
  await assert.rejects(refusedThenLeft(lost), (error: unknown) => {
    assert.ok(error instanceof HoldfastError && error !== lost)
    assert.deepEqual(detailsOf(error), { ...details, hint: error.hint, cause: lost })
    return true
  })
})

test('a disconnect before any refusal stays what it is', async () => {
  const disconnect = new HoldfastError('ERR_SSH_DISCONNECTED', 'the peer said: not today')
  const end = new End()
  const script = () => {
    end.waits.drain(disconnect)
    return []
  }
  await assert.rejects(runClient({ ways: [password('a')] }, script, end).done, disconnect)
})

test('nothing is sent on a connection that ended', async () => {
  const end = new End()
  end.waits.drain(new HoldfastError('ERR_SSH_CLOSED', 'closed'))
  await assert.rejects(runClient({ ways: [password('a')] }, () => [], end).done, failsWith('ERR_SSH_CLOSED'))
  assert.equal(end.sent.length, 0)
})

for (const [name, payload] of Object.entries({
  USERAUTH_SUCCESS: success,
  USERAUTH_FAILURE: refuse('password'),
  USERAUTH_BANNER: encodeUserauthBanner({ message: 'x', language: '' }),
  'message 60': encodePasswordChangeRequest('x'),
})) {
  test(`${name} before the service was granted is a breach of the protocol`, async () => {
    const { done } = runClient({ ways: [password('x')] }, () => [], new End(), [payload])
    await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', new RegExp(`${name} came before SERVICE_ACCEPT`)))
  })
}

for (const [when, service] of Object.entries({
  'nothing has been asked': [accept],
  'the service was granted already': [accept, accept],
})) {
  test(`SERVICE_ACCEPT when ${when} is a breach of the protocol`, async () => {
    const silent: AuthWay = {
      method: 'publickey',
      keys: [{ name: 'an agent', signers: () => new Promise(() => {}) }],
    }
    const way = service.length === 1 ? silent : password('x')
    const { done, hear } = runClient({ ways: [way] }, () => [], new End(), service)
    if (service.length === 1) hear(...service)
    await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /SERVICE_ACCEPT came and nothing was asked/))
  })
}

test('a second answer to one request is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [password('x'), password('y')] }, () => [refuse('password'), refuse('password')])
  await assert.rejects(done, failsWith('ERR_SSH_PROTOCOL', /USERAUTH_FAILURE came and nothing was asked/))
})

test('another service than the one asked for is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [password('x')] }, () => [], new End(), [encodeServiceAccept('ssh-connection')])
  await assert.rejects(
    done,
    failsWith('ERR_SSH_PROTOCOL', /SERVICE_ACCEPT came for ssh-connection, where ssh-userauth/),
  )
})

test('a message of another method is a breach of the protocol', async () => {
  const { done } = runClient({ ways: [password('x')] }, () => [Buffer.of(61, 0, 0, 0, 0)])
  await assert.rejects(
    done,
    failsWith('ERR_SSH_PROTOCOL', /message 61 came while the answer to the password was awaited/),
  )
})

test('an authentication message after success is a breach of the protocol', async () => {
  const { done, client } = runClient({ ways: [password('x')] }, () => [success])
  await done
  assert.throws(() => client.receive(refuse('password')), failsWith('ERR_SSH_PROTOCOL', /nothing was asked/))
})
