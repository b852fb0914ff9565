import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HoldfastError } from 'holdfast'
import { type GeneratedKeyType, generatePrivateKey } from '#src/keys/private-key.js'
import { type PublicKey, parsePublicKey } from '#src/keys/public-key.js'
import { Writer } from '#src/wire/writer.js'
import { blobOf, kinds, makeKey, missing, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const data = Buffer.from('what is signed')
const generated: readonly GeneratedKeyType[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]

test('type, bits and fingerprint are what ssh-keygen -l says', { skip: missing('ssh-keygen') }, (context) => {
  const directory = temporaryDirectory(context)
  for (const [name, ...options] of kinds) {
    const file = makeKey(directory, name, ...options)
    const key = parsePublicKey(blobOf(`${file}.pub`))
    const [bits, fingerprint] = sshKeygen('-l', '-f', file).split(' ')
    assert.deepEqual([`${key.bits}`, key.fingerprint()], [bits, fingerprint])
    assert.deepEqual(key.blob, key.plainBlob)
  }
})

test('every type verifies what it signed by each of its algorithms, and nothing else', () => {
  for (const type of generated) {
    const key = generatePrivateKey(type)
    const parsed = parsePublicKey(key.publicKey.blob)
    for (const algorithm of parsed.signatureAlgorithms) {
      const signature = key.sign(algorithm, data)
      assert.ok(parsed.verify(algorithm, data, signature), algorithm)
      assert.ok(!parsed.verify(algorithm, Buffer.from('what was not signed'), signature), algorithm)
      assert.ok(!parsed.verify(algorithm, data, Buffer.concat([signature, Buffer.of(0)])), `${algorithm} with surplus`)
      for (const other of [...parsed.signatureAlgorithms, 'none'].filter((name) => name !== algorithm)) {
        assert.ok(!parsed.verify(other, data, signature), `${algorithm} is not ${other}`)
      }
    }
  }
})

test('a signature by SHA-1 does not pass for one by SHA-2', () => {
  const key = generatePrivateKey('ssh-rsa')
  assert.equal(key.publicKey.signatureAlgorithms.at(-1), 'ssh-rsa')
  const relabelled = new Writer()
    .string('rsa-sha2-256')
    .bytes(key.sign('ssh-rsa', data).subarray(4 + 7))
    .finish()
  assert.ok(!key.publicKey.verify('rsa-sha2-256', data, relabelled))
})

test('an RSA signature without its leading zeros is verified, as OpenSSH does', () => {
  const key = generatePrivateKey('ssh-rsa')
  const head = new Writer().string('rsa-sha2-512').finish()
  for (let attempt = 0; ; attempt++) {
    const message = Buffer.from(`message ${attempt}`)
    const signature = key.sign('rsa-sha2-512', message).subarray(head.length + 4)
    if (signature[0] !== 0) continue
    const short = new Writer().bytes(head).string(signature.subarray(1)).finish()
    assert.ok(key.publicKey.verify('rsa-sha2-512', message, short))
    return
  }
})

test('RSA below 2048 bits is refused', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2047 })
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  const blob = new Writer().string('ssh-rsa').mpint(Buffer.from(e, 'base64url')).mpint(Buffer.from(n, 'base64url'))
  refused(blob.finish(), /modulus has 2047 bits, where at least 2048/)
})

test('a point that is not on its curve is refused', () => {
  const { blob } = generatePrivateKey('ecdsa-sha2-nistp256').publicKey
  const bent = Buffer.from(blob)
  bent.writeUInt8((bent.at(-1) ?? 0) ^ 1, bent.length - 1)
  refused(bent, /public key is not a valid key/)
  const compressed = Buffer.from(blob)
  compressed.writeUInt8(2, blob.length - 65)
  refused(compressed, /not an uncompressed point/)
})

test('a key of another curve than its type says, surplus bytes, and unknown types are refused', () => {
  const { blob } = generatePrivateKey('ecdsa-sha2-nistp256').publicKey
  refused(
    new Writer()
      .string('ecdsa-sha2-nistp384')
      .bytes(blob.subarray(4 + 19))
      .finish(),
    /curve is nistp256/,
  )
  refused(Buffer.concat([blob, Buffer.of(1)]), /1 unexpected bytes/)
  refused(new Writer().string('ssh-dss').finish(), /DSA is broken/)
  refused(new Writer().string('ssh-ed448').finish(), /not supported/)
  refused(Buffer.alloc(0), /key type needs 4 bytes/)
})

test('keys in FIDO hardware: application, flags and counter are part of what is signed', () => {
  const application = Buffer.from('ssh:')
  for (const { key, algorithm, signHashes } of hardwareKeys(application)) {
    const flags = Buffer.of(1, 0, 0, 0, 42)
    const bytes = signHashes(Buffer.concat([sha256(application), flags, sha256(data)]))
    const signature = new Writer().string(algorithm).string(bytes).bytes(flags).finish()
    assert.ok(key.verify(algorithm, data, signature), algorithm)
    for (let at = signature.length - 5; at < signature.length; at++) {
      const altered = Buffer.from(signature)
      altered.writeUInt8((altered[at] ?? 0) ^ 4, at)
      assert.ok(!key.verify(algorithm, data, altered), `${algorithm}, byte ${at}`)
    }
    assert.ok(!key.verify(algorithm, data, signature.subarray(0, -1)))
  }
})

/** What a FIDO token does, made in software: PROTOCOL.u2f. */
function hardwareKeys(
  application: Buffer,
): { key: PublicKey; algorithm: string; signHashes: (bytes: Buffer) => Buffer }[] {
  const edwards = generateKeyPairSync('ed25519')
  const edwardsBlob = new Writer()
    .string('sk-ssh-ed25519@openssh.com')
    .string(Buffer.from(edwards.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'))
    .string(application)
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = ec.publicKey.export({ format: 'jwk' })
  const ecBlob = new Writer()
    .string('sk-ecdsa-sha2-nistp256@openssh.com')
    .string('nistp256')
    .string(Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]))
    .string(application)
  return [
    {
      key: parsePublicKey(edwardsBlob.finish()),
      algorithm: 'sk-ssh-ed25519@openssh.com',
      signHashes: (bytes) => sign(null, bytes, edwards.privateKey),
    },
    {
      key: parsePublicKey(ecBlob.finish()),
      algorithm: 'sk-ecdsa-sha2-nistp256@openssh.com',
      signHashes: (bytes) => ecdsaMpints(bytes, ec.privateKey),
    },
  ]
}

function ecdsaMpints(bytes: Buffer, key: KeyObject): Buffer {
  const pair = sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
  return new Writer().mpint(pair.subarray(0, 32)).mpint(pair.subarray(32)).finish()
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

test('no bytes make parsing or verifying throw anything but ERR_SSH_KEY', () => {
  const key = generatePrivateKey('ecdsa-sha2-nistp521')
  const blob = key.publicKey.blob
  const signature = key.sign('ecdsa-sha2-nistp521', data)
  fc.assert(
    fc.property(
      fc.nat(blob.length - 1),
      fc.nat(signature.length - 1),
      fc.integer({ min: 1, max: 255 }),
      (at, at2, bits) => {
        throwsOnlyKeyErrors(flipped(blob, at, bits))
        throwsOnlyKeyErrors(blob.subarray(0, at))
        assert.ok(!key.publicKey.verify('ecdsa-sha2-nistp521', data, flipped(signature, at2, bits)))
        assert.ok(!key.publicKey.verify('ecdsa-sha2-nistp521', data, signature.subarray(0, at2)))
      },
    ),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => throwsOnlyKeyErrors(Buffer.from(bytes))))
})

function flipped(bytes: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8((copy[at] ?? 0) ^ bits, at)
  return copy
}

function throwsOnlyKeyErrors(blob: Buffer): void {
  try {
    parsePublicKey(blob)
  } catch (error) {
    assert.ok(error instanceof HoldfastError && error.code === 'ERR_SSH_KEY', String(error))
  }
}

function refused(blob: Buffer, message: RegExp): void {
  assert.throws(() => parsePublicKey(blob), { code: 'ERR_SSH_KEY', message })
}
