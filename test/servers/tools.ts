import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { aptEnvironment } from './apt.js'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { withCacheLock } from './cache.js'
import { programDirectories } from './environment.js'
import { run } from './run.js'

const packageOf = {
  conntrack: 'conntrack',
  ip: 'iproute2',
  nft: 'nftables',
  openssl: 'openssl',
  patchelf: 'patchelf',
  nsenter: 'util-linux',
  ps: 'procps',
  python3: 'python3',
  'ssh-add': 'openssh-client',
  'ssh-agent': 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-keyscan': 'openssh-client',
  ss: 'iproute2',
  ssh: 'openssh-client',
  'systemd-analyze': 'systemd',
  tc: 'iproute2',
  unshare: 'util-linux',
} as const

export type Tool = keyof typeof packageOf

/** Installs the tools that the machine lacks, where tests may do that. Those it has it keeps as they are. */
export async function installTools(tools: readonly Tool[]): Promise<Availability> {
  const missing = tools.filter((tool) => !hasTool(tool))
  if (missing.length === 0) return { available: true }
  return preparation(() => installPackages([...new Set(missing.map((tool) => packageOf[tool]))]))()
}

export async function requireTools(tools: readonly Tool[]): Promise<void> {
  requireAvailable(await installTools(tools))
}

function hasTool(tool: Tool): boolean {
  return programDirectories.some((directory) => existsSync(join(directory, tool)))
}

/** Installs packages that start no service. Throws with apt's own words. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  await withCacheLock(async () => {
    await aptGet('update')
    await aptGet('install', '--no-install-recommends', ...packages)
  })
}

async function aptGet(...args: readonly string[]): Promise<void> {
  // Whoever else runs apt on this machine finishes first.
  await run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], { env: aptEnvironment })
}
