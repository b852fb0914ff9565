import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { aptEnvironment } from './apt.js'
import { type Availability, preparation } from './availability.js'
import { withCacheLock } from './cache.js'
import { run } from './run.js'

const packageOf = {
  conntrack: 'conntrack',
  ip: 'iproute2',
  nft: 'nftables',
  patchelf: 'patchelf',
  ps: 'procps',
  python3: 'python3',
  'ssh-add': 'openssh-client',
  'ssh-agent': 'openssh-client',
  'ssh-keygen': 'openssh-client',
  ssh: 'openssh-client',
} as const

export type Tool = keyof typeof packageOf

const systemDirectories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Installs the tools that the machine lacks, where tests may do that. Those it has it keeps as they are. */
export async function installTools(tools: readonly Tool[]): Promise<Availability> {
  const missing = tools.filter((tool) => !hasTool(tool))
  if (missing.length === 0) return { available: true }
  return preparation(() => installPackages([...new Set(missing.map((tool) => packageOf[tool]))]))()
}

function hasTool(tool: Tool): boolean {
  const path = process.env['PATH']?.split(':') ?? []
  return [...path, ...systemDirectories].some((directory) => existsSync(join(directory, tool)))
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
