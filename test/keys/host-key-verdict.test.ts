import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeHostKey, preferKnownTypes } from '#src/keys/host-key-verdict.js'
import { parseKnownHosts } from '#src/keys/known-hosts.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { type PublicKey, parsePublicKey } from '#src/keys/public-key.js'
import { blobOf, makeKey, missing, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const skip = missing('ssh-keygen')
const one = generatePrivateKey('ssh-ed25519').publicKey
const other = generatePrivateKey('ecdsa-sha2-nistp256').publicKey

test('known, unknown, changed and revoked', () => {
  assert.deepEqual(verdict(`db1 ${line(one)}`, one), ['known', 1])
  assert.deepEqual(verdict(`db2 ${line(one)}`, one), ['unknown', undefined])
  assert.deepEqual(verdict(`db1 ${line(one)}`, other), ['changed', 1])
  assert.deepEqual(verdict(`db1 ${line(other)}\ndb1 ${line(one)}`, one), ['known', 2])
  assert.deepEqual(verdict(`db1 ${line(one)}\n@revoked * ${line(one)}`, one), ['revoked', 2])
  assert.deepEqual(verdict(`@revoked db2 ${line(one)}`, one), ['unknown', undefined])
  assert.deepEqual(verdict(`@cert-authority db1 ${line(one)}`, one), ['unknown', undefined])
})

test('another port than 22: its own entries count, and those of the bare name where it has none', () => {
  assert.deepEqual(verdict(`[db1]:2222 ${line(one)}`, one, 2222), ['known', 1])
  assert.deepEqual(verdict(`[db1]:2222 ${line(one)}`, one, 22), ['unknown', undefined])
  assert.deepEqual(verdict(`db1 ${line(one)}`, one, 2222), ['known', 1])
  assert.deepEqual(verdict(`db1 ${line(other)}`, one, 2222), ['unknown', undefined])
  assert.deepEqual(verdict(`db1 ${line(one)}\n[db1]:2222 ${line(other)}`, one, 2222), ['changed', 2])
  assert.deepEqual(verdict(`[db1]:2222 ${line(one)}\n@revoked db1 ${line(one)}`, one, 2222), ['revoked', 2])
})

test('certificates count by their authority, and else as the key in them', { skip }, (context) => {
  const directory = temporaryDirectory(context)
  const authority = parsePublicKey(blobOf(`${makeKey(directory, 'ca', '-t', 'ed25519')}.pub`))
  makeKey(directory, 'host', '-t', 'ed25519')
  const certificate = certify(directory, '-n', 'db1')
  const plain = parsePublicKey(certificate.plainBlob)
  const trusted = `@cert-authority db* ${line(authority)}`
  assert.deepEqual(verdict(trusted, certificate), ['known', 1])
  assert.deepEqual(verdict(trusted, certificate, 2222), ['known', 1])
  assert.deepEqual(verdict(trusted, plain), ['unknown', undefined])
  assert.deepEqual(verdict(`db1 ${line(authority)}`, certificate), ['changed', 1])
  assert.deepEqual(verdict(`db1 ${line(plain)}`, certificate), ['known', 1])
  assert.deepEqual(verdict(`${trusted}\n@revoked db1 ${line(authority)}`, certificate), ['revoked', 2])
  assert.deepEqual(verdict(`${trusted}\n@revoked db1 ${line(plain)}`, certificate), ['revoked', 2])

  const { entries } = parseKnownHosts(trusted, 'kh')
  const elsewhere = certify(directory, '-n', 'web1')
  const offer = { key: elsewhere, host: 'db1', port: 22, nowSeconds: 2e9 }
  const judged = judgeHostKey(entries, offer)
  assert.ok(judged.verdict === 'unknown')
  assert.match(judged.certificateProblem ?? '', /not for db1, but for web1/)
})

function certify(directory: string, ...options: string[]): PublicKey {
  sshKeygen('-q', '-s', `${directory}/ca`, '-I', 'id', '-h', ...options, `${directory}/host.pub`)
  return parsePublicKey(blobOf(`${directory}/host-cert.pub`))
}

test('algorithms of known keys come first, and certificates where an authority is trusted', () => {
  const offered = [
    'ssh-ed25519-cert-v01@openssh.com',
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ]
  const order = (text: string, port = 22) => preferKnownTypes(offered, parseKnownHosts(text, 'kh').entries, 'DB1', port)
  const rsa = generatePrivateKey('ssh-rsa').publicKey
  assert.deepEqual(order(''), offered)
  assert.deepEqual(order(`db1 ${line(other)}`).slice(0, 2), ['ecdsa-sha2-nistp256', 'ssh-ed25519-cert-v01@openssh.com'])
  assert.deepEqual(order(`db1 ${line(rsa)}`).slice(0, 3), [
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-ed25519-cert-v01@openssh.com',
  ])
  assert.deepEqual(order(`[db1]:2222 ${line(rsa)}\ndb1 ${line(other)}`, 2222).slice(0, 3), [
    'ecdsa-sha2-nistp256',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ])
  assert.equal(order(`@cert-authority * ${line(rsa)}\ndb1 ${line(other)}`)[0], 'ssh-ed25519-cert-v01@openssh.com')
  assert.deepEqual(order(`@revoked db1 ${line(other)}`), offered)
})

function verdict(text: string, key: PublicKey, port = 22): [string, number | undefined] {
  const judged = judgeHostKey(parseKnownHosts(text, 'kh').entries, { key, host: 'db1', port, nowSeconds: 2e9 })
  return [judged.verdict, 'entry' in judged ? judged.entry.line : undefined]
}

function line(key: PublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`
}
