import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Certificate } from '#src/keys/certificate.js'
import { checkCertificate } from '#src/keys/check-certificate.js'
import { parsePublicKey } from '#src/keys/public-key.js'
import { blobOf, kinds, makeKey, missing, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const skip = missing('ssh-keygen')
const demands = { kind: 'host', principal: 'db1.example.com', nowSeconds: 1_700_000_000 } as const

test('certificates of every kind of key, by every kind of authority', { skip }, (context) => {
  const directory = temporaryDirectory(context)
  for (const [name, ...options] of kinds) makeKey(directory, name, ...options)
  for (const [authority] of kinds) {
    for (const [name] of kinds) {
      const certificate = certify(directory, authority, name, '-h', '-n', 'db1.example.com', '-z', '77')
      assert.equal(certificate.serial, 77n)
      assert.equal(certificate.kind, 'host')
      assert.equal(certificate.keyId, 'its id')
      assert.deepEqual(certificate.authority.blob, blobOf(`${directory}/${authority}.pub`))
      assert.equal(checkCertificate(certificate, { ...demands, nowSeconds: 2_000_000_000 }), undefined)
    }
  }
})

test('the fingerprint is that of the certified key, and what it signs is verified', { skip }, (context) => {
  const directory = temporaryDirectory(context)
  makeKey(directory, 'ca', '-t', 'ed25519')
  makeKey(directory, 'host', '-t', 'rsa', '-b', '2048')
  certify(directory, 'ca', 'host', '-h', '-n', 'db1')
  const key = parsePublicKey(blobOf(`${directory}/host-cert.pub`))
  assert.equal(key.type, 'ssh-rsa-cert-v01@openssh.com')
  assert.equal(key.plainType, 'ssh-rsa')
  assert.equal(key.fingerprint(), sshKeygen('-l', '-f', `${directory}/host-cert.pub`).split(' ')[1])
  assert.deepEqual(key.plainBlob, blobOf(`${directory}/host.pub`))
})

test('one altered byte anywhere in a certificate makes it worthless', { skip }, (context) => {
  const directory = temporaryDirectory(context)
  makeKey(directory, 'ca', '-t', 'ed25519')
  makeKey(directory, 'host', '-t', 'ed25519')
  certify(directory, 'ca', 'host', '-h', '-n', 'db1')
  const blob = blobOf(`${directory}/host-cert.pub`)
  for (let at = 0; at < blob.length; at++) {
    const altered = Buffer.from(blob)
    altered.writeUInt8((altered[at] ?? 0) ^ 0x20, at)
    assert.throws(() => parsePublicKey(altered), { code: 'ERR_SSH_KEY' }, `byte ${at}`)
    assert.throws(() => parsePublicKey(blob.subarray(0, at)), { code: 'ERR_SSH_KEY' }, `cut at ${at}`)
  }
})

test('each demand refuses in words of its own', { skip }, (context) => {
  const directory = temporaryDirectory(context)
  makeKey(directory, 'ca', '-t', 'ed25519')
  makeKey(directory, 'key', '-t', 'ed25519')
  const host = certify(
    directory,
    'ca',
    'key',
    '-h',
    '-n',
    '*.example.com,other',
    '-V',
    '20230101000000Z:20240101000000Z',
  )
  assert.equal(checkCertificate(host, demands), undefined)
  assert.equal(checkCertificate(host, { ...demands, principal: 'DB1.Example.COM' }), undefined)
  assert.match(checkCertificate(host, { ...demands, kind: 'user' }) ?? '', /host certificate, where a user certificate/)
  assert.match(
    checkCertificate(host, { ...demands, principal: 'evil.com' }) ?? '',
    /not for evil.com, but for \*\.example/,
  )
  assert.match(checkCertificate(host, { ...demands, nowSeconds: 1e9 }) ?? '', /not valid before 2023-01-01T00:00:00/)
  assert.match(checkCertificate(host, { ...demands, nowSeconds: 1704067200 }) ?? '', /expired at 2024-01-01T00:00:00/)
  assert.equal(checkCertificate(host, { ...demands, nowSeconds: 1704067199.9 }), undefined)
  assert.match(checkCertificate(certify(directory, 'ca', 'key', '-h'), demands) ?? '', /names no principal/)
})

test('a user certificate: principals to the letter, and no critical option that nobody enforces', {
  skip,
}, (context) => {
  const directory = temporaryDirectory(context)
  makeKey(directory, 'ca', '-t', 'ed25519')
  makeKey(directory, 'key', '-t', 'ed25519')
  const user = certify(directory, 'ca', 'key', '-n', 'deploy,*', '-O', 'force-command=uptime')
  const wanted = { kind: 'user', principal: 'deploy', nowSeconds: 2_000_000_000 } as const
  assert.match(checkCertificate(user, wanted) ?? '', /critical option force-command/)
  assert.equal(checkCertificate(user, { ...wanted, understood: ['force-command'] }), undefined)
  assert.match(checkCertificate(user, { ...wanted, principal: 'root' }) ?? '', /not for root/)
  assert.ok(user.extensions.has('permit-pty'))
})

test('an authority that signs by SHA-1 is refused', { skip }, (context) => {
  const directory = temporaryDirectory(context)
  makeKey(directory, 'ca', '-t', 'rsa', '-b', '2048')
  makeKey(directory, 'key', '-t', 'ed25519')
  const old = certify(directory, 'ca', 'key', '-h', '-n', 'db1.example.com', '-t', 'ssh-rsa')
  assert.match(checkCertificate(old, { ...demands, nowSeconds: 2_000_000_000 }) ?? '', /SHA-1/)
})

function certify(directory: string, authority: string, name: string, ...options: string[]): Certificate {
  sshKeygen('-q', '-s', `${directory}/${authority}`, '-I', 'its id', ...options, `${directory}/${name}.pub`)
  const { certificate } = parsePublicKey(blobOf(`${directory}/${name}-cert.pub`))
  assert.ok(certificate)
  return certificate
}
