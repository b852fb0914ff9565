import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { run } from '../../servers/run.js'
import { openSshRelease } from '../../servers/sshd.js'
import { root } from './root.js'

/** What was measured with. */
export interface Versions {
  /** `0.1.0 (1b00a0b)` */
  readonly holdfast: string
  readonly ssh2: string
  /** The machine's own ssh(1). */
  readonly openssh: string
  readonly servers: readonly string[]
  readonly node: string
  readonly kernel: string
}

export async function readVersions(): Promise<Versions> {
  return {
    holdfast: `${packageVersion('package.json')} (${await commit()})`,
    ssh2: packageVersion('node_modules/ssh2/package.json'),
    openssh: openSshVersion((await run('ssh', ['-V'])).stderr),
    servers: (await Promise.all([openSshRelease('9.2'), openSshRelease('10')])).map(openSshVersion),
    node: process.version,
    kernel: release(),
  }
}

/** Of a package.json, by its path in the repository. */
export function packageVersion(path: string): string {
  const { version } = JSON.parse(readFileSync(new URL(path, root), 'utf8')) as { readonly version: string }
  return version
}

/** Of what is measured. */
export async function commit(): Promise<string> {
  const hash = await git('rev-parse', '--short', 'HEAD')
  // The pages themselves are what a run changes.
  const changed = await git('status', '--porcelain', '--', '.', ':!docs/failures*', ':!docs/performance*')
  return changed === '' ? `commit ${hash}` : `commit ${hash} with changes`
}

async function git(...args: readonly string[]): Promise<string> {
  return (await run('git', args, { cwd: fileURLToPath(root) })).stdout.trim()
}

/** `OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL …` is 9.2p1 Debian-2+deb12u6. */
export function openSshVersion(text: string): string {
  return /OpenSSH_([^,]+),/.exec(text)?.[1] ?? text.trim()
}
