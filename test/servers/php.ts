import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { type RunOptions, type RunResult, run } from './run.js'
import { libraryPath, type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'

const packages: PackageSet = {
  name: 'php-ssh2-1.3.1',
  suite: 'bookworm',
  packages: ['php8.2-cli', 'php8.2-common', 'php-ssh2'],
  baseline: 'machine',
}

/** Unpacks PHP with its ssh2 extension: slow the first time, so call it before a test's clock runs. */
export const preparePhp: () => Promise<Availability> = preparation(() => unpackPackages(packages))

/** Runs a script by PHP 8.2 with php-ssh2 1.3.1, which read no configuration of this machine. */
export async function runPhp(script: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  requireAvailable(await preparePhp())
  const root = unpackedRoot(packages)
  const settings = ['-n', '-d', `extension=${extension(root)}`, '-d', 'display_errors=stderr']
  const env = { ...options.env, LD_LIBRARY_PATH: libraryPath(root) }
  return run(join(root, 'usr/bin/php8.2'), [...settings, script, ...args], { ...options, env })
}

/** Its directory bears the number of PHP's module interface. */
function extension(root: string): string {
  const modules = join(root, 'usr/lib/php')
  const found = readdirSync(modules)
    .map((number) => join(modules, number, 'ssh2.so'))
    .find((path) => existsSync(path))
  if (found === undefined) throw new Error(`no ssh2.so came with php-ssh2 in ${modules}`)
  return found
}
