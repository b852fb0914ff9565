import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, withCacheLock } from './cache.js'
import { type ClientKeys, keyPool, prepareKeys, secretsDirectory } from './keys.js'
import { run } from './run.js'

/** The ordinary user as whom tests log in. Its home is in the cache, its password is random and known to root alone. */
export const testUser = 'holdfast-test'

export const testHome = join(cacheDirectory, 'home')
const passwordFile = join(secretsDirectory, 'password')

export function testUserPassword(): string {
  return readFileSync(passwordFile, 'utf8')
}

/** Makes keys and users: every client key logs in as the test user, who has a password too. */
export async function prepareLogins(): Promise<void> {
  await prepareKeys()
  const { client } = await keyPool()
  await withCacheLock(async () => {
    // sshd's unprivileged half runs as this user, in this empty directory, both named when it was compiled.
    await ensureUser('sshd', [
      '--system',
      '--no-create-home',
      '--home-dir',
      '/run/sshd',
      '--shell',
      '/usr/sbin/nologin',
    ])
    await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
    const isNew = await ensureUser(testUser, ['--no-create-home', '--home-dir', testHome, '--shell', '/bin/bash'])
    if (isNew || !existsSync(passwordFile)) await setPassword()
    await prepareHome(client)
  })
}

async function ensureUser(name: string, options: readonly string[]): Promise<boolean> {
  if (readFileSync('/etc/passwd', 'utf8').includes(`\n${name}:`)) return false
  await run('useradd', [...options, name])
  return true
}

async function setPassword(): Promise<void> {
  const password = randomBytes(18).toString('base64url')
  await run('chpasswd', [], { input: `${testUser}:${password}\n` })
  await writeFile(passwordFile, password, { mode: 0o600 })
}

async function prepareHome(keys: ClientKeys): Promise<void> {
  const directory = join(testHome, '.ssh')
  const authorizedKeys = join(directory, 'authorized_keys')
  await mkdir(directory, { recursive: true })
  await replaceIfDifferent(authorizedKeys, keys.authorizedKeys)
  const { uid, gid } = await userIds()
  await Promise.all([testHome, directory, authorizedKeys].map((path) => chown(path, uid, gid)))
  await Promise.all([chmod(testHome, 0o755), chmod(directory, 0o700), chmod(authorizedKeys, 0o600)])
}

/** Another process's server may be reading the file just now, so what is right stays untouched. */
async function replaceIfDifferent(path: string, content: string): Promise<void> {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}

/** Of the test user. */
export async function userIds(): Promise<{ readonly uid: number; readonly gid: number }> {
  const { stdout } = await run('getent', ['passwd', testUser])
  const [, , uid, gid] = stdout.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}
