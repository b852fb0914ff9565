import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type KnownHostsEntry, knownHostsName, namesHost, parseKnownHosts } from '#src/keys/known-hosts.js'
import { encodeKnownHostsLine } from '#src/keys/known-hosts-line.js'
import { generatePrivateKey } from '#src/keys/private-key.js'
import { type PublicKey, parsePublicKey } from '#src/keys/public-key.js'
import { missing, run, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const skip = missing('ssh-keygen')
const keys = Array.from({ length: 6 }, () => generatePrivateKey('ssh-ed25519').publicKey)
const [first, second, third] = keys as [PublicKey, PublicKey, PublicKey]

const text = `# a comment

db1.example.com,10.0.0.5 ${line(first)} a comment
[db1.example.com]:2222 ${line(second)}
*.example.org,!secret.example.org ${line(third)}
web?.example.net	${line(first)}
@cert-authority *.example.com ${line(second)}
@revoked * ${line(third)}
`

test('finds for each host the lines that ssh-keygen -F finds', { skip }, (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  const hosts = ['db1.example.com', 'DB1.example.com', '10.0.0.5', '[db1.example.com]:2222', 'a.example.org']
  hosts.push('secret.example.org', 'web1.example.net', 'web10.example.net', 'other', '*.example.org')
  writeFileSync(file, text)
  for (const hashed of [false, true]) {
    // -H hashes the plain names and leaves patterns as they are.
    if (hashed) sshKeygen('-q', '-H', '-f', file)
    const { entries, problems } = parseKnownHosts(readFileSync(file, 'utf8'), file)
    assert.deepEqual(problems, [])
    // ssh makes names lower-case before it asks, ssh-keygen does so only for patterns.
    if (hashed) hosts.splice(1, 1)
    for (const host of hosts)
      assert.deepEqual(linesOf(entries, host), linesByOpenssh(file, host), `${host}, hashed ${hashed}`)
  }
})

function linesOf(entries: readonly KnownHostsEntry[], host: string): number[] {
  return entries.filter(({ hosts }) => namesHost(hosts, host.toLowerCase())).map(({ line: number }) => number)
}

/** `# Host db1 found: line 3`, and it fails where nothing is found. */
function linesByOpenssh(file: string, host: string): number[] {
  const output = run('sh', '-c', 'ssh-keygen -F "$1" -f "$2" || true', '-', host, file)
  return [...output.matchAll(/found: line (\d+)/g)].map(([, number]) => Number(number))
}

test('keys have the fingerprints that ssh-keygen -l gives', { skip }, (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  writeFileSync(file, text)
  // It passes over the lines with markers.
  const plain = parseKnownHosts(text, file).entries.filter(({ marker }) => marker === 'none')
  const ours = plain.map(({ blob }) => parsePublicKey(blob).fingerprint())
  const theirs = sshKeygen('-l', '-f', file)
    .trim()
    .split('\n')
    .map((output) => output.split(' ')[1])
  assert.deepEqual(ours, theirs)
})

test('ssh-keygen finds, and removes, what we write, hashed or not', { skip }, (context) => {
  const file = join(temporaryDirectory(context), 'known_hosts')
  for (const salt of [undefined, Buffer.alloc(20, 7)]) {
    for (const [host, port] of [
      ['db1.example.com', 22],
      ['DB1', 2222],
      ['fe80::1', 22],
      ['fe80::1', 23],
    ] as const) {
      const name = knownHostsName(host, port)
      const written = `${encodeKnownHostsLine(name, first, salt)}\n`
      writeFileSync(file, written)
      assert.deepEqual(linesByOpenssh(file, name), [1], written)
      assert.equal(salt === undefined, written.startsWith(name))
      sshKeygen('-R', name, '-f', file)
      assert.equal(readFileSync(file, 'utf8'), '')
    }
  }
})

test('a bad line is reported with its place and reason, and spoils no other', () => {
  const bad: readonly [string, RegExp][] = [
    ['@unknown host ssh-ed25519 AAAA', /marker @unknown/],
    ['host ssh-ed25519', /ends early/],
    ['@revoked host ssh-ed25519', /ends early/],
    ['host 1024 35 123456', /SSH version 1/],
    ['host ssh-dss AAAAB3NzaC1kc3M=', /ssh-dss are not supported/],
    ['host ssh-ed25519 AAA', /not valid base64/],
    ['host ssh-ed25519 AAAA', /needs 4 bytes/],
    [`host ssh-rsa ${first.blob.toString('base64')}`, /said to be ssh-rsa, but is ssh-ed25519/],
    [`|1|AAAA|AAAA ${line(first)}`, /no 20 bytes/],
    [`|2|AAAA|AAAA ${line(first)}`, /not of the form/],
    [`|1|!!!!|AAAA ${line(first)}`, /not valid base64/],
  ]
  const { entries, problems } = parseKnownHosts(
    `${bad.map(([wrong]) => wrong).join('\n')}\nhost ${line(first)}\r\n`,
    'kh',
  )
  assert.deepEqual(
    entries.map(({ file, line: number }) => [file, number]),
    [['kh', bad.length + 1]],
  )
  assert.equal(problems.length, bad.length)
  for (const [index, [wrong, reason]] of bad.entries()) {
    assert.equal(problems[index]?.line, index + 1)
    assert.match(problems[index]?.reason ?? '', reason, wrong)
  }
})

test('no text makes it throw', () => {
  const word = fc.constantFrom(
    '@revoked',
    'host',
    '|1|',
    '*',
    'ssh-ed25519',
    first.blob.toString('base64'),
    '\n',
    '#',
    'AAAA',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ unit: 'binary' })), { maxLength: 20 }), (words) => {
      const { entries, problems } = parseKnownHosts(words.join(' '), 'kh')
      assert.ok(entries.length + problems.length <= words.length * 2)
    }),
  )
})

test('what is written is read again', () => {
  const host = fc.domain()
  fc.assert(
    fc.property(
      host,
      fc.integer({ min: 1, max: 65_535 }),
      fc.boolean(),
      fc.nat(keys.length - 1),
      (name, port, hashed, at) => {
        const key = keys[at] ?? first
        const known = knownHostsName(name, port)
        const written = encodeKnownHostsLine(known, key, hashed ? Buffer.alloc(20, at) : undefined)
        const [entry] = parseKnownHosts(written, 'kh').entries
        assert.ok(entry !== undefined && namesHost(entry.hosts, known) && entry.blob.equals(key.blob))
        assert.ok(!namesHost(entry.hosts, knownHostsName(name, port === 1 ? 2 : 1)))
      },
    ),
  )
})

function line(key: PublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`
}
