import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from '#src/errors.js'
import { type Lookup, resolve } from '#src/socket/resolve.js'
import { parts } from './parts.js'

/** A look-up that answers when told to, and counts how often it was asked. */
class Resolver {
  readonly asked: { host: string; family: number }[] = []
  readonly #callbacks: Parameters<Lookup>[2][] = []

  readonly lookup: Lookup = (host, { family }, callback) => {
    this.asked.push({ host, family })
    this.#callbacks.push(callback)
  }

  answer(...addresses: string[]): void {
    for (const callback of this.#callbacks.splice(0)) {
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
  }

  lose(): void {
    this.#callbacks.length = 0
  }

  fail(error: Error): void {
    for (const callback of this.#callbacks.splice(0)) callback(error, [])
  }
}

const broken: Lookup = () => {
  throw new TypeError('broken')
}

test('a literal address is not looked up', async (t) => {
  const { waits } = parts(t)
  const { lookup, asked } = new Resolver()
  assert.deepEqual(await resolve('127.0.0.1', { lookup, limitMs: 10 }, waits), [{ address: '127.0.0.1', family: 4 }])
  assert.deepEqual(await resolve('fe80::1%lo', { lookup, limitMs: 10 }, waits), [{ address: 'fe80::1%lo', family: 6 }])
  assert.deepEqual(asked, [])
})

test('a literal address of the other family is a wrong option', async (t) => {
  const { waits } = parts(t)
  await assert.rejects(resolve('127.0.0.1', { family: 6, limitMs: 10 }, waits), {
    code: 'ERR_SSH_OPTION',
    message: '127.0.0.1 is no IPv6 address, and only those are wanted',
  })
})

test('the families take turns, beginning with that of the first address, duplicates and garbage left out', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  const addresses = resolve('name', { lookup: resolver.lookup, limitMs: 1000 }, waits)
  resolver.answer('::1', '::2', '::1', 'garbage', '::3', '10.0.0.1', '10.0.0.2')
  assert.deepEqual(
    (await addresses).map(({ address }) => address),
    ['::1', '10.0.0.1', '::2', '10.0.0.2', '::3'],
  )
})

test('a family is asked for, and what comes of another is left out', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  const addresses = resolve('name', { lookup: resolver.lookup, family: 4, limitMs: 1000 }, waits)
  resolver.answer('::1', '10.0.0.1')
  assert.deepEqual(await addresses, [{ address: '10.0.0.1', family: 4 }])
  assert.deepEqual(resolver.asked, [{ host: 'name', family: 4 }])
})

test('a resolver that hangs ends at the limit, which says what was waited for; its late answer is for nobody', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  await assert.rejects(resolve('web1', { lookup: resolver.lookup, limitMs: 30 }, waits), {
    code: 'ERR_SSH_TIMEOUT',
    limit: 'dns',
    limitMs: 30,
    phase: 'dns',
    message: /^the address of web1 \(waiting for DNS\)/,
  })
  assert.equal(waits.size, 0)
  resolver.answer('10.0.0.1')
})

test('one look-up serves all that ask for the name meanwhile, each with its own limit', async (t) => {
  const [one, two] = [parts(t), parts(t)]
  const resolver = new Resolver()
  const { lookup } = resolver
  const short = resolve('web1', { lookup, limitMs: 20 }, one.waits)
  const long = resolve('web1', { lookup, limitMs: 10_000 }, two.waits)
  const other = resolve('web1', { lookup, family: 6, limitMs: 10_000 }, two.waits)
  await assert.rejects(short, { limit: 'dns' })
  assert.deepEqual(
    resolver.asked.map(({ family }) => family),
    [0, 6],
  )
  resolver.answer('::1')
  assert.equal((await long).length, 1)
  assert.equal((await other).length, 1)
})

test('an injected look-up that loses its answer keeps nobody from asking again', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  const { lookup } = resolver
  await assert.rejects(resolve('web1', { lookup, limitMs: 20 }, waits), { limit: 'dns' })
  resolver.lose()
  const again = resolve('web1', { lookup, limitMs: 1000 }, waits)
  resolver.answer('10.0.0.1')
  assert.equal((await again).length, 1)
})

test('once answered, a name is looked up anew', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  const { lookup } = resolver
  for (const address of ['10.0.0.1', '10.0.0.2']) {
    const addresses = resolve('web1', { lookup, limitMs: 1000 }, waits)
    resolver.answer(address)
    assert.equal((await addresses)[0]?.address, address)
  }
  assert.equal(resolver.asked.length, 2)
})

test('a failed look-up says name and reason, and shows the caller', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND web1'), { code: 'ENOTFOUND' })
  async function callerOfResolve() {
    return await resolve('web1', { lookup: resolver.lookup, limitMs: 1000 }, waits)
  }
  const failed = callerOfResolve()
  resolver.fail(cause)
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof HoldfastError)
    assert.equal(error.code, 'ERR_SSH_DNS')
    assert.equal(error.host, 'web1')
    assert.equal(error.cause, cause)
    assert.equal(error.message, 'web1 could not be resolved: getaddrinfo ENOTFOUND web1')
    assert.match(error.stack ?? '', /callerOfResolve/)
    return true
  })
})

test('an empty answer and a look-up that throws are failures like others', async (t) => {
  const { waits } = parts(t)
  const resolver = new Resolver()
  const empty = resolve('web1', { lookup: resolver.lookup, limitMs: 1000 }, waits)
  resolver.answer()
  await assert.rejects(empty, { code: 'ERR_SSH_DNS', message: /no usable address/ })
  await assert.rejects(resolve('web1', { lookup: broken, limitMs: 1000 }, waits), {
    code: 'ERR_SSH_DNS',
    message: /broken/,
  })
  assert.equal(waits.size, 0)
})

test('an abort and a teardown end the wait with their own cause', async (t) => {
  const { waits } = parts(t)
  const { lookup } = new Resolver()
  const abort = new AbortController()
  const aborted = resolve('web1', { lookup, limitMs: false, signal: abort.signal }, waits)
  abort.abort('enough')
  await assert.rejects(aborted, { name: 'AbortError', code: 'ERR_SSH_ABORTED', cause: 'enough' })
  const drained = resolve('web1', { lookup, limitMs: false }, waits)
  const cause = new HoldfastError('ERR_SSH_CLOSED', 'closed')
  waits.drain(cause)
  await assert.rejects(drained, (error) => error === cause)
})

test('the name of this machine is known to its own resolver', async (t) => {
  const { waits } = parts(t)
  const addresses = await resolve('localhost', { limitMs: 10_000 }, waits)
  assert.ok(addresses.some(({ address }) => address === '127.0.0.1' || address === '::1'))
})
