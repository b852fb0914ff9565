import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { privateApt } from './apt.js'
import { cacheDirectory, withCacheLock } from './cache.js'
import { run } from './run.js'

export interface PackageSet {
  /** The directory's name in the cache. */
  readonly name: string
  readonly suite: string
  readonly packages: readonly string[]
}

/** A directory into which packages and those of their dependencies that the machine lacks are unpacked. */
export function unpackedRoot(set: PackageSet): string {
  return join(cacheDirectory, set.name)
}

/**
 * Unpacks packages without installing them: no service starts, nothing of the machine is replaced,
 * and several versions stand side by side. Done once a machine.
 */
export async function unpackPackages(set: PackageSet): Promise<void> {
  const root = unpackedRoot(set)
  if (existsSync(root)) return
  await withCacheLock(async () => {
    if (existsSync(root)) return
    const partial = `${root}.partial`
    await rm(partial, { recursive: true, force: true })
    await unpackInto(partial, set)
    await rename(partial, root)
  })
}

async function unpackInto(root: string, set: PackageSet): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o755 })
  const download = join(root, 'apt')
  const apt = await privateApt(download, set.suite)
  await apt.get('update')
  const names = set.packages.map((name) => `${name}/${set.suite}`)
  await apt.get(
    'install',
    '--download-only',
    '--no-install-recommends',
    '--reinstall',
    '--allow-downgrades',
    '-t',
    set.suite,
    ...names,
  )
  const archives = (await readdir(apt.archives)).filter((name) => name.endsWith('.deb'))
  for (const archive of archives) await run('dpkg-deb', ['--extract', join(apt.archives, archive), root])
  await rm(download, { recursive: true })
}

/** Lets programs below an unpacked root find the libraries that were unpacked with them. */
export function libraryPath(root: string): string {
  const multiarch = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
  return multiarch.flatMap((triplet) => [join(root, 'usr/lib', triplet), join(root, 'lib', triplet)]).join(':')
}
