import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { type TestContext, test } from 'node:test'
import { type Identity, loadIdentities } from '#src/keys/identities.js'
import { Writer } from '#src/wire/writer.js'
import { blobOf, makeKey, missing, setHome, sshKeygen, temporaryDirectory } from './openssh-tools.js'

const skip = missing('ssh-keygen')

test('without files named: those of ~/.ssh that exist, in the order of ssh', { skip }, async (context) => {
  const directory = temporaryHome(context)
  assert.deepEqual(await loadIdentities({ files: undefined }), { identities: [], problems: [] })
  const rsa = makeKey(directory, 'id_rsa', '-t', 'rsa', '-b', '2048')
  const edwards = makeKey(directory, 'id_ed25519', '-t', 'ed25519')
  const { identities, problems } = await loadIdentities({ files: undefined })
  assert.deepEqual(
    identities.map(({ source }) => source),
    [edwards, rsa],
  )
  assert.deepEqual(problems, [])
  const named = await loadIdentities({ files: ['~/.ssh/id_rsa'] })
  assert.deepEqual(named.identities[0]?.publicKey.blob, blobOf(`${rsa}.pub`))
})

function temporaryHome(context: TestContext): string {
  const home = temporaryDirectory(context)
  setHome(context, home)
  mkdirSync(join(home, '.ssh'))
  return join(home, '.ssh')
}

test('an encrypted key is known before it is unlocked, in OpenSSH’s format and by its .pub', {
  skip,
}, async (context) => {
  const directory = temporaryDirectory(context)
  for (const format of ['RFC4716', 'PEM'] as const) {
    const file = makeKey(directory, format, '-t', 'ecdsa', '-m', format, '-N', 'secret')
    if (format === 'RFC4716') renameSync(`${file}.pub`, `${file}.moved`)
    const identity = await only(file)
    assert.ok(identity.privateHalf.state === 'locked')
    await assert.rejects(identity.privateHalf.unlock('wrong'), { code: 'ERR_SSH_PASSPHRASE' })
    const key = await identity.privateHalf.unlock('secret')
    assert.deepEqual(key.publicKey.blob, identity.publicKey.blob)
  }
})

test('an encrypted PEM key alone needs its passphrase to be known', { skip }, async (context) => {
  const file = makeKey(temporaryDirectory(context), 'key', '-t', 'ecdsa', '-m', 'PEM', '-N', 'secret')
  rmSync(`${file}.pub`)
  const { problems } = await loadIdentities({ files: [file] })
  assert.equal(problems[0]?.code, 'ERR_SSH_PASSPHRASE')
  const { identities } = await loadIdentities({ files: [file], passphrase: 'secret' })
  assert.equal(identities[0]?.privateHalf.state, 'open')
})

test('a public half alone chooses a key that is elsewhere', { skip }, async (context) => {
  const file = makeKey(temporaryDirectory(context), 'key', '-t', 'ed25519')
  assert.equal((await only(`${file}.pub`)).privateHalf.state, 'elsewhere')
  rmSync(file)
  const identity = await only(file)
  assert.equal(identity.privateHalf.state, 'elsewhere')
  assert.deepEqual(identity.publicKey.blob, blobOf(`${file}.pub`))
})

test('the private half of a security key is elsewhere', async (context) => {
  const file = join(temporaryDirectory(context), 'id_ed25519_sk')
  const type = 'sk-ssh-ed25519@openssh.com'
  const blob = new Writer().string(type).string(Buffer.alloc(32, 9)).string('ssh:').finish()
  const bytes = new Writer()
    .bytes(Buffer.from('openssh-key-v1\0'))
    .string('none')
    .string('none')
    .string('')
    .uint32(1)
    .string(blob)
    .string(Buffer.alloc(8))
    .finish()
  const label = 'OPENSSH PRIVATE KEY'
  writeFileSync(file, `-----BEGIN ${label}-----\n${bytes.toString('base64')}\n-----END ${label}-----\n`)
  const identity = await only(file)
  assert.deepEqual([identity.publicKey.type, identity.privateHalf.state], [type, 'elsewhere'])
})

test('certificates beside a key: its own, and no other’s', { skip }, async (context) => {
  const directory = temporaryDirectory(context)
  const file = makeKey(directory, 'key', '-t', 'ed25519')
  const other = makeKey(directory, 'other', '-t', 'ed25519')
  sshKeygen('-q', '-s', other, '-I', 'id', '-n', 'me', `${file}.pub`)
  assert.deepEqual(
    (await only(file)).certificates.map(({ blob }) => blob),
    [blobOf(`${file}-cert.pub`)],
  )
  copyFileSync(`${file}-cert.pub`, `${other}-cert.pub`)
  assert.deepEqual((await only(other)).certificates, [])
  writeFileSync(`${file}-cert.pub`, 'nonsense')
  const { identities, problems } = await loadIdentities({ files: [file] })
  assert.deepEqual([identities[0]?.certificates, problems[0]?.code], [[], 'ERR_SSH_KEY'])
})

test('each file that cannot be used is a problem of its own', { skip }, async (context) => {
  const directory = temporaryDirectory(context)
  const good = makeKey(directory, 'good', '-t', 'ed25519')
  const broken = join(directory, 'broken')
  writeFileSync(broken, readFileSync(good, 'utf8').slice(0, 100))
  const files = [join(directory, 'absent'), broken, directory, good]
  const { identities, problems } = await loadIdentities({ files })
  assert.deepEqual(
    identities.map(({ source }) => source),
    [good],
  )
  assert.deepEqual(
    problems.map(({ code }) => code),
    Array<string>(3).fill('ERR_SSH_KEY'),
  )
  for (const [index, message] of [/absent: there is no such file/, /broken: .*cut off/, /no regular file/].entries()) {
    assert.match(problems[index]?.message ?? '', message)
  }
})

test('a file without permission is a problem', {
  skip: skip || (process.getuid?.() === 0 && 'root reads everything'),
}, async (context) => {
  const file = makeKey(temporaryDirectory(context), 'key', '-t', 'ed25519')
  chmodSync(file, 0)
  const { problems } = await loadIdentities({ files: [file] })
  assert.match(problems[0]?.message ?? '', /could not be read: EACCES/)
})

async function only(file: string): Promise<Identity> {
  const { identities, problems } = await loadIdentities({ files: [file] })
  assert.deepEqual(problems, [])
  assert.equal(identities.length, 1)
  return identities[0] as Identity
}
