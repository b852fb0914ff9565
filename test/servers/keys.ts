import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, withCacheLock } from './cache.js'
import { sshKeygen } from './ssh-keygen.js'

/** Readable by root alone, although the keys open nothing but servers of these tests. */
export const secretsDirectory = join(cacheDirectory, 'secrets')

const keyOptions = {
  ed25519: ['-t', 'ed25519'],
  ecdsa: ['-t', 'ecdsa', '-b', '256'],
  ecdsa384: ['-t', 'ecdsa', '-b', '384'],
  ecdsa521: ['-t', 'ecdsa', '-b', '521'],
  rsa: ['-t', 'rsa', '-b', '3072'],
} as const

export type KeyType = keyof typeof keyOptions
export const keyTypes: readonly KeyType[] = ['ed25519', 'ecdsa', 'ecdsa384', 'ecdsa521', 'rsa']

/** One key pair as ssh-keygen writes it; the members are paths but for the fingerprint. */
export interface KeyFiles {
  readonly privateKey: string
  readonly publicKey: string
  /** Signed by the authority in `KeyPool`, valid for ever. */
  readonly certificate: string
  /** As `ssh-keygen -l` prints it: `SHA256:…` */
  readonly fingerprint: string
}

export type KeySet = Readonly<Record<KeyType, KeyFiles>>

export interface ClientKeys {
  readonly files: KeySet
  /** The public keys as lines of an authorized_keys file. */
  readonly authorizedKeys: string
}

/** Made once a machine: an RSA key a server would cost more than the server's start. */
export interface KeyPool {
  readonly host: KeySet
  readonly client: ClientKeys
  /** Paths of the authorities' public keys, for TrustedUserCAKeys and @cert-authority. */
  readonly authorities: { readonly host: string; readonly user: string }
}

const poolDirectory = join(secretsDirectory, 'keys')

export async function prepareKeys(): Promise<void> {
  if (existsSync(poolDirectory)) return
  await withCacheLock(async () => {
    if (existsSync(poolDirectory)) return
    const partial = `${poolDirectory}.partial`
    await rm(partial, { recursive: true, force: true })
    await mkdir(secretsDirectory, { recursive: true, mode: 0o700 })
    await mkdir(partial)
    await generatePool(partial)
    await rename(partial, poolDirectory)
  })
}

async function generatePool(directory: string): Promise<void> {
  const userAuthority = join(directory, 'user_ca')
  const hostAuthority = join(directory, 'host_ca')
  for (const path of [userAuthority, hostAuthority])
    await sshKeygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'authority', '-f', path])
  for (const type of keyTypes) {
    const host = join(directory, `host_${type}`)
    const client = join(directory, `client_${type}`)
    for (const path of [host, client]) await sshKeygen(['-q', ...keyOptions[type], '-N', '', '-C', type, '-f', path])
    await sshKeygen(['-q', '-s', hostAuthority, '-h', '-I', 'host', '-n', '127.0.0.1,localhost', `${host}.pub`])
    await sshKeygen(['-q', '-s', userAuthority, '-I', 'user', '-n', 'root,holdfast-test', `${client}.pub`])
  }
}

let loaded: Promise<KeyPool> | undefined

/** The keys that `prepareKeys()` made. */
export function keyPool(): Promise<KeyPool> {
  return (loaded ??= loadPool())
}

async function loadPool(): Promise<KeyPool> {
  const client = await keySet('client')
  const lines = await Promise.all(keyTypes.map((type) => readFile(client[type].publicKey, 'utf8')))
  return {
    host: await keySet('host'),
    client: { files: client, authorizedKeys: lines.join('') },
    authorities: { host: join(poolDirectory, 'host_ca.pub'), user: join(poolDirectory, 'user_ca.pub') },
  }
}

async function keySet(side: 'host' | 'client'): Promise<KeySet> {
  const [ed25519, ecdsa, ecdsa384, ecdsa521, rsa] = await Promise.all([
    keyFiles(`${side}_ed25519`),
    keyFiles(`${side}_ecdsa`),
    keyFiles(`${side}_ecdsa384`),
    keyFiles(`${side}_ecdsa521`),
    keyFiles(`${side}_rsa`),
  ])
  return { ed25519, ecdsa, ecdsa384, ecdsa521, rsa }
}

async function keyFiles(name: string): Promise<KeyFiles> {
  const privateKey = join(poolDirectory, name)
  const { stdout } = await sshKeygen(['-l', '-f', `${privateKey}.pub`])
  const [, fingerprint = ''] = stdout.split(' ')
  return { privateKey, publicKey: `${privateKey}.pub`, certificate: `${privateKey}-cert.pub`, fingerprint }
}
