import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Baseline, privateApt } from './apt.js'
import { cacheDirectory, withCacheLock } from './cache.js'
import { run } from './run.js'

export interface PackageSet {
  /** The directory's name in the cache. */
  readonly name: string
  readonly suite: string
  readonly packages: readonly string[]
  /** Beyond what the packages' dependencies come with them. `nothing` is for programs that need a newer C library than the machine's. */
  readonly baseline: Baseline
  /** With baseline `nothing`: the programs, relative to the root, that shall find their libraries and their loader there. */
  readonly programs?: readonly string[]
}

/** The directory into which a set is unpacked. */
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
    for (const program of set.programs ?? []) await useOwnLibraries(join(partial, program), partial, root)
    await rename(partial, root)
  })
}

async function unpackInto(root: string, set: PackageSet): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o755 })
  const download = join(root, 'apt')
  const apt = await privateApt(download, set.suite, set.baseline)
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

/** Sets loader and library path of a program that stands in `from` now and will stand in `root`. */
async function useOwnLibraries(program: string, from: string, root: string): Promise<void> {
  const directories = libraryDirectories.filter((directory) => existsSync(join(from, directory)))
  const loaders = directories.flatMap((directory) => globLoader(from, directory))
  const [loader] = loaders
  if (loader === undefined) throw new Error(`no loader came with ${program}`)
  const libraries = directories.map((directory) => join(root, directory)).join(':')
  await run('patchelf', ['--set-interpreter', join(root, loader), '--set-rpath', libraries, program])
}

function globLoader(from: string, directory: string): readonly string[] {
  const names = readdirSync(join(from, directory)).filter((name) => /^ld-linux.*\.so\.\d+$/.test(name))
  return names.map((name) => join(directory, name))
}

const libraryDirectories = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].flatMap((triplet) => [
  `usr/lib/${triplet}`,
  `lib/${triplet}`,
])

/** For LD_LIBRARY_PATH: lets programs below an unpacked root find the libraries that were unpacked with them. */
export function libraryPath(root: string): string {
  return libraryDirectories.map((directory) => join(root, directory)).join(':')
}
