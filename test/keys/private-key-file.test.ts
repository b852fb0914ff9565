import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import type { ErrorCode } from '#src/errors.js'
import { outlinePrivateKey, parsePrivateKey, parsePrivateKeySync } from '#src/keys/private-key-file.js'
import { Writer } from '#src/wire/writer.js'
import { blobOf, kinds, makeKey, missing, run, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const data = Buffer.from('what is signed')
const skip = missing('ssh-keygen')

test('every kind of key that ssh-keygen writes, in each of its formats, signs for its public half', {
  skip,
}, async (context) => {
  const directory = temporaryDirectory(context)
  for (const [kind, ...options] of kinds) {
    const formats = kind === 'ed25519' ? ['RFC4716'] : ['RFC4716', 'PEM', 'PKCS8']
    for (const format of formats) {
      const file = makeKey(directory, `${kind}.${format}`, ...options, '-m', format)
      await opens(file, undefined)
      if (kind === 'ed25519') continue
      sshKeygen('-q', '-p', '-P', '', '-N', 'correct horse', '-f', file, '-m', format)
      await opens(file, 'correct horse')
      await refuses(readFileSync(file), undefined, 'ERR_SSH_PASSPHRASE', /no passphrase was given/)
      await refuses(readFileSync(file), 'wrong', 'ERR_SSH_PASSPHRASE', /passphrase is wrong/)
    }
  }
})

test('every cipher that ssh-keygen offers', { skip }, async (context) => {
  const directory = temporaryDirectory(context)
  const ciphers = run('ssh', '-Q', 'cipher').trim().split('\n')
  assert.ok(ciphers.length >= 9)
  for (const cipher of ciphers) {
    const file = makeKey(directory, cipher, '-t', 'ed25519', '-N', 'pässword', '-Z', cipher, '-a', '2')
    await opens(file, 'pässword')
    await refuses(readFileSync(file), 'password', 'ERR_SSH_PASSPHRASE', /passphrase is wrong/)
    assert.deepEqual(outlinePrivateKey(readFileSync(file), file).publicKey?.blob, blobOf(`${file}.pub`))
  }
})

test('every way in which OpenSSL encrypts', { skip: missing('openssl') }, async (context) => {
  const directory = temporaryDirectory(context)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const file = join(directory, 'key')
  const ways = [['-scrypt'], ['-v2', 'aes-256-cbc', '-iter', '100000'], ['-v2', 'des3'], ['-v1', 'PBE-SHA1-3DES']]
  for (const way of ways) {
    run(
      'sh',
      '-c',
      `printf %s "$1" | openssl pkcs8 -topk8 -passout pass:secret ${way.join(' ')} -out "$2"`,
      '-',
      plain,
      file,
    )
    const key = await parsePrivateKey(readFileSync(file), { passphrase: 'secret', source: file })
    assert.equal(key.publicKey.type, 'ecdsa-sha2-nistp256')
    await refuses(readFileSync(file), 'wrong', 'ERR_SSH_PASSPHRASE', /passphrase is wrong/)
  }
})

test('a key with parameters before it, CRLF, a byte order mark and no last line end', {
  skip: missing('openssl'),
}, async () => {
  const text = run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey')
  assert.match(text, /BEGIN EC PARAMETERS/)
  const mangled = Buffer.from(`\ufeff${text.trim().replaceAll('\n', '\r\n')}`)
  assert.equal((await parsePrivateKey(mangled, { source: 'key' })).publicKey.type, 'ecdsa-sha2-nistp256')
})

test('a file that asks for hours of work is refused before it begins', { skip }, async (context) => {
  const directory = temporaryDirectory(context)
  const file = makeKey(directory, 'key', '-t', 'ed25519', '-N', 'secret', '-a', '16')
  await refuses(withRounds(readFileSync(file, 'utf8'), 2 ** 31), 'secret', 'ERR_SSH_KEY', /rounds are 2147483648/)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString()
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64')
  // 2048 iterations, which OpenSSL writes in two bytes, become 2^31 - 1 in four: lengths around it grow by two.
  const at = der.indexOf(Buffer.from('02020800', 'hex'))
  const grown = Buffer.concat([der.subarray(0, at), Buffer.from('02047fffffff', 'hex'), der.subarray(at + 4)])
  for (const place of nestedLengths(grown, at)) grown.writeUInt8((grown[place] ?? 0) + 2, place)
  await refuses(pemOf('ENCRYPTED PRIVATE KEY', grown), 'secret', 'ERR_SSH_KEY', /2147483647 iterations/)
})

/** Where the last length bytes of the sequences stand that hold the byte at `target`. */
function nestedLengths(der: Buffer, target: number): number[] {
  const places: number[] = []
  let at = 0
  while (at < target) {
    const long = (der[at + 1] ?? 0) > 0x80 ? (der[at + 1] ?? 0) - 0x80 : 0
    const length = long > 0 ? der.readUIntBE(at + 2, long) : (der[at + 1] ?? 0)
    const start = at + 2 + long
    if (start + length <= target) {
      at = start + length
      continue
    }
    if (der[at] === 0x30) places.push(start - 1)
    at = start
  }
  return places
}

function withRounds(pem: string, rounds: number): string {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64')
  const salted = bytes.indexOf('bcrypt') + 6 + 4 + 4 + 16
  bytes.writeUInt32BE(rounds, salted)
  return opensshPem(bytes)
}

function opensshPem(bytes: Buffer): string {
  return pemOf('OPENSSH PRIVATE KEY', bytes)
}

function pemOf(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${bytes.toString('base64')}\n-----END ${label}-----\n`
}

test('many rounds block nothing, and an abort ends them', { skip, timeout: 60_000 }, async (context) => {
  const directory = temporaryDirectory(context)
  const file = makeKey(directory, 'key', '-t', 'ed25519', '-N', 'secret', '-a', '16')
  const slow = withRounds(readFileSync(file, 'utf8'), 4096)
  const controller = new AbortController()
  const opening = parsePrivateKey(slow, { passphrase: 'secret', source: file, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 200)
  await assert.rejects(opening, { code: 'ERR_SSH_ABORTED', name: 'AbortError' })
  const already = parsePrivateKey(slow, { passphrase: 'secret', source: file, signal: controller.signal })
  await assert.rejects(already, { code: 'ERR_SSH_ABORTED' })
})

test('what is no private key is told apart', { skip }, async (context) => {
  const directory = temporaryDirectory(context)
  const file = makeKey(directory, 'key', '-t', 'ed25519')
  const text = readFileSync(file, 'utf8')
  const cases: readonly [string, RegExp][] = [
    ['', /key: is empty/],
    ['PuTTY-User-Key-File-3: ssh-ed25519\n', /puttygen key.ppk -O private-openssh/],
    [readFileSync(`${file}.pub`, 'utf8'), /is a public key; give the private one/],
    [sshKeygen('-e', '-f', file), /is a public key/],
    ['-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n', /DSA/],
    ['hello', /holds no private key/],
    [text.replaceAll('\n', '\\n'), /two characters \\n/],
    [text.slice(0, 200), /cut off/],
    [text.replace('b3Bl', 'b3B*'), /not valid base64/],
    [opensshPem(Buffer.from('openssh-key-v2\0')), /does not begin with openssh-key-v1/],
    ['x'.repeat(2 ** 20 + 1), /more than 1048576 bytes/],
    [generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /type x25519/],
    [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
      /type ec/,
    ],
  ]
  for (const [contents, message] of cases) await refuses(contents, undefined, 'ERR_SSH_KEY', message)
})

test('every kind of key in PKCS#8 and the older PEM as OpenSSL writes them', async () => {
  const types = ['pkcs8', 'sec1'] as const
  for (const type of types) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' })
    const key = await parsePrivateKey(privateKey.export({ type, format: 'pem' }), { source: 'key' })
    assert.equal(key.publicKey.type, 'ecdsa-sha2-nistp521')
  }
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = await parsePrivateKey(privateKey.export({ type, format: 'pem' }), { source: 'key' })
    assert.equal(key.publicKey.type, 'ssh-rsa')
  }
  const { privateKey } = generateKeyPairSync('ed25519')
  const locked = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'secret' })
  for (const contents of [privateKey.export({ type: 'pkcs8', format: 'pem' }), locked]) {
    const key = await parsePrivateKey(contents, { source: 'key', passphrase: 'secret' })
    assert.ok(key.publicKey.verify('ssh-ed25519', data, key.sign('ssh-ed25519', data)))
  }
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  await refuses(weak, undefined, 'ERR_SSH_KEY', /modulus has 1024 bits, where at least 2048/)
})

test('no damage to an encrypted PKCS#8 makes anything but a typed error', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const der = privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-128-cbc', passphrase: 'secret' })
  const damage = fc.tuple(fc.nat(70), fc.integer({ min: 1, max: 255 }), fc.nat(der.length))
  await fc.assert(
    fc.asyncProperty(damage, async ([at, bits, length]) => {
      const copy = Buffer.from(der)
      copy.writeUInt8((copy[at] ?? 0) ^ bits, at)
      for (const bytes of [copy, der.subarray(0, length)]) {
        const error = await failureOf(pemOf('ENCRYPTED PRIVATE KEY', bytes))
        assert.ok(error instanceof HoldfastError)
        assert.ok(error.code === 'ERR_SSH_KEY' || error.code === 'ERR_SSH_PASSPHRASE', error.code)
      }
    }),
  )
})

test('a private half that belongs to another public key is refused', async () => {
  const [one, two] = [edwards(), edwards()]
  assert.equal(
    (await parsePrivateKey(opensshFile(one.point, one.seed, one.point), { source: 'key' })).comment,
    'a comment',
  )
  await refuses(
    opensshFile(two.point, one.seed, two.point),
    undefined,
    'ERR_SSH_KEY',
    /do not belong together|not a valid key/,
  )
  await refuses(opensshFile(one.point, one.seed, two.point), undefined, 'ERR_SSH_KEY', /another public key/)
})

function edwards(): { point: Buffer; seed: Buffer } {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { point: Buffer.from(x, 'base64url'), seed: Buffer.from(d, 'base64url') }
}

function opensshFile(point: Buffer, seed: Buffer, secondPoint: Buffer): string {
  const section = new Writer()
    .uint32(7)
    .uint32(7)
    .string('ssh-ed25519')
    .string(point)
    .string(Buffer.concat([seed, secondPoint]))
    .string('a comment')
    .finish()
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (section.length % 8)) % 8))
  const bytes = new Writer()
    .bytes(Buffer.from('openssh-key-v1\0'))
    .string('none')
    .string('none')
    .string('')
    .uint32(1)
    .string(new Writer().string('ssh-ed25519').string(point).finish())
    .string(Buffer.concat([section, padding]))
    .finish()
  return opensshPem(bytes)
}

test('no damage to a file makes anything but a typed error, and no error shows key material', {
  skip,
}, async (context) => {
  const directory = temporaryDirectory(context)
  const file = makeKey(directory, 'key', '-t', 'ecdsa', '-b', '256')
  const bytes = Buffer.from(readFileSync(file, 'utf8').replace(/-----[^-]+-----|\n/g, ''), 'base64')
  const altered = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8((copy[at] ?? 0) ^ bits, at)
    return copy
  })
  const cut = fc.nat(bytes.length - 1).map((length) => bytes.subarray(0, length))
  const noise = fc.uint8Array({ maxLength: 200 }).map((tail) => Buffer.concat([bytes.subarray(0, 15), tail]))
  await fc.assert(
    fc.asyncProperty(fc.oneof(altered, cut, noise), async (contents) => {
      const error = await failureOf(opensshPem(contents))
      if (error === undefined) return
      assert.ok(error instanceof HoldfastError)
      assert.ok(error.code === 'ERR_SSH_KEY' || error.code === 'ERR_SSH_UNSUPPORTED', error.code)
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /[A-Za-z0-9+/=_-]{24}/)
    }),
    { numRuns: 300 },
  )
})

async function failureOf(contents: string): Promise<unknown> {
  try {
    await parsePrivateKey(contents, { source: 'key' })
    return undefined
  } catch (error) {
    return error
  }
}

async function opens(file: string, passphrase: string | undefined): Promise<void> {
  const key = await parsePrivateKey(readFileSync(file), { passphrase, source: file })
  assert.deepEqual(key.publicKey.blob, blobOf(`${file}.pub`), file)
  const atOnce = parsePrivateKeySync(readFileSync(file), { passphrase, source: file }).privateKey
  assert.deepEqual([atOnce.publicKey.blob, atOnce.comment], [key.publicKey.blob, key.comment], file)
  for (const algorithm of key.publicKey.signatureAlgorithms) {
    assert.ok(key.publicKey.verify(algorithm, data, key.sign(algorithm, data)), `${file} by ${algorithm}`)
  }
  if (readFileSync(file, 'utf8').includes('OPENSSH')) assert.match(key.comment, /^comment of /)
}

async function refuses(
  contents: Buffer | string,
  passphrase: string | undefined,
  code: ErrorCode,
  message: RegExp,
): Promise<void> {
  const opening = parsePrivateKey(contents, { passphrase, source: 'key' })
  await assert.rejects(opening, { code, message })
  assert.throws(() => parsePrivateKeySync(contents, { passphrase, source: 'key' }), { code, message })
}
