/**
 * The clients to compare with, installed apart from this project as a user of theirs would: peers/package.json names them
 * and pins their versions. ssh2 is there twice, since its native add-on is used wherever it has been compiled.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Client } from 'ssh2'
import { cacheDirectory, withCacheLock } from '../test/servers/cache.js'
import { run } from '../test/servers/run.js'
import type { DevTunnels, KeyReader } from './clients/dev-tunnels-api.js'

const manifest = fileURLToPath(new URL('../../bench/peers/', import.meta.url))

/** The version that is pinned. */
export function peerVersion(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(manifest, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  return dependencies[name] ?? ''
}

/** Where a Node finds the peers. */
export interface Peers {
  /** As `npm ci` leaves them where packages may run scripts. */
  readonly native: string
  /** As `npm ci --ignore-scripts` does. */
  readonly plain: string
}

/** Installs them once a machine and Node. @param node path of its binary */
export async function preparePeers(node: string): Promise<Peers> {
  const { stdout } = await run(node, ['-p', 'process.version'])
  const lock = createHash('sha256').update(await readFile(join(manifest, 'package-lock.json')))
  const root = join(cacheDirectory, `bench-peers-${lock.digest('hex').slice(0, 12)}`)
  const plain = join(root, 'plain')
  const native = join(root, stdout.trim())
  await withCacheLock(async () => {
    await mkdir(root, { recursive: true })
    if (!existsSync(plain)) await inPlace(plain, (folder) => install(folder))
    if (!existsSync(native)) await inPlace(native, (folder) => compile(folder, plain, node))
  })
  return { plain, native }
}

/** It is there only once it is whole. */
async function inPlace(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  await make(partial)
  await rename(partial, folder)
}

async function install(folder: string): Promise<void> {
  await cp(manifest, folder, { recursive: true })
  await run('npm', ['ci', '--ignore-scripts'], { cwd: folder })
}

async function compile(folder: string, plain: string, node: string): Promise<void> {
  await cp(plain, folder, { recursive: true })
  const prefix = dirname(dirname(node))
  const headers = existsSync(join(prefix, 'include/node/node.h')) ? [`--nodedir=${prefix}`] : []
  const env = { PATH: [dirname(node), process.env['PATH']].join(delimiter) }
  // Where it cannot be compiled, ssh2 goes on without, as it does for its users.
  await run('npm', ['rebuild', 'ssh2', '--ignore-scripts=false', ...headers], { cwd: folder, env })
}

/** A package of those in `folder`. */
export function loadPeer(folder: string, name: string): unknown {
  return createRequire(join(folder, 'package.json'))(name)
}

export interface Ssh2 {
  readonly Client: new () => Client
}

export function loadSsh2(folder: string): Ssh2 {
  return loadPeer(folder, 'ssh2') as Ssh2
}

/** Whether the ssh2 in `folder` uses its native add-on in this process. */
export function hasNativeSsh2(folder: string): boolean {
  const crypto = loadPeer(folder, 'ssh2/lib/protocol/crypto.js') as { readonly bindingAvailable: boolean }
  return crypto.bindingAvailable
}

export function loadDevTunnels(folder: string): readonly [DevTunnels, KeyReader] {
  const library = loadPeer(folder, '@microsoft/dev-tunnels-ssh') as DevTunnels
  const keys = loadPeer(folder, '@microsoft/dev-tunnels-ssh-keys') as KeyReader
  return [library, keys]
}
