/** hostkeys-00 against a real sshd, which tells of all its plain keys, whatever it was trusted by. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type HostKeysEvent } from 'holdfast'
import { skipReason } from '../servers/availability.js'
import { prepareSshd, type SshdServer, startSshd } from '../servers/sshd.js'

const skip = skipReason(await prepareSshd('9.2'))

interface Files {
  readonly user: string
  readonly global: string
}

/** Lines of the user's own file and of the administrator's, each with the host's name in its place. */
async function writeFiles(server: SshdServer, lines: { user: string; global: string }): Promise<Files> {
  const name = `[${server.host}]:${server.port}`
  const files = { user: join(server.directory, 'known_hosts'), global: join(server.directory, 'ssh_known_hosts') }
  await writeFile(files.user, lines.user.replace('HOST', name))
  await writeFile(files.global, lines.global.replace('HOST', name))
  return files
}

async function announcedTo(server: SshdServer, { user, global }: Files): Promise<HostKeysEvent> {
  const ssh = await connect({
    host: server.host,
    port: server.port,
    username: server.username,
    privateKey: await readFile(server.clientKeys.ed25519.privateKey),
    hostKey: { knownHosts: [user, global] },
  })
  try {
    const [event] = (await once(ssh, 'hostkeys', { signal: AbortSignal.timeout(10_000) })) as [HostKeysEvent]
    return event
  } finally {
    await ssh.close()
  }
}

test('a host that the user’s own file knows by a plain key brings the file up to date', { skip }, async (t) => {
  const server = await startSshd({ version: '9.2' })
  t.after(() => server.stop())
  const known = await readFile(server.hostKeys.ed25519.publicKey, 'utf8')
  const files = await writeFiles(server, { user: `HOST ${known}`, global: '' })
  const { updated, keys } = await announcedTo(server, files)
  assert.equal(updated, true)
  assert.equal((await readFile(files.user, 'utf8')).trim().split('\n').length, keys.length)
})

test('what a certificate vouches for adds nothing to the user’s own file', { skip }, async (t) => {
  const server = await startSshd({ version: '9.2', hostCertificates: true })
  t.after(() => server.stop())
  // One of the keys it tells of is known: enough for an impostor that knows the public half alone.
  const known = await readFile(server.hostKeys.rsa.publicKey, 'utf8')
  const authority = await readFile(server.hostAuthority, 'utf8')
  const files = await writeFiles(server, { user: `HOST ${known}`, global: `@cert-authority HOST ${authority}` })
  const before = await readFile(files.user, 'utf8')
  assert.equal((await announcedTo(server, files)).updated, false)
  assert.equal(await readFile(files.user, 'utf8'), before)
})

test('what the administrator’s file vouches for adds nothing to the user’s own file', { skip }, async (t) => {
  const server = await startSshd({ version: '9.2' })
  t.after(() => server.stop())
  const files = await writeFiles(server, {
    user: `HOST ${await readFile(server.hostKeys.rsa.publicKey, 'utf8')}`,
    global: `HOST ${await readFile(server.hostKeys.ed25519.publicKey, 'utf8')}`,
  })
  const before = await readFile(files.user, 'utf8')
  const { updated } = await announcedTo(server, files)
  // Which of the two keys was shown is the server's choice among those that are known.
  assert.equal(updated, (await readFile(files.user, 'utf8')) !== before)
})
