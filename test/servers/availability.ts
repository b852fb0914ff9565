import { readFileSync } from 'node:fs'

/** Whether this machine can run something that a test needs, and if not, why. */
export type Availability = { readonly available: true } | { readonly available: false; readonly reason: string }

/** For the `skip` option of node:test, which prints a string as the reason: `test(name, { skip: skipReason(a) }, …)`. */
export function skipReason(availability: Availability): string | false {
  return availability.available ? false : availability.reason
}

/** For what needs several things: the first that this machine lacks is the reason. */
export async function everyAvailability(all: readonly Promise<Availability>[]): Promise<Availability> {
  const lacking = (await Promise.all(all)).find(({ available }) => !available)
  return lacking ?? { available: true }
}

/** For a test that has asked already, and goes on as if. */
export function requireAvailable(availability: Availability): void {
  if (!availability.available) throw new Error(availability.reason)
}

/** Prepares something once a process; what prevents it becomes the reason. */
export function preparation(prepare: () => Promise<unknown>): () => Promise<Availability> {
  let result: Promise<Availability> | undefined
  return () => (result ??= attempt(prepare))
}

async function attempt(prepare: () => Promise<unknown>): Promise<Availability> {
  const reason = whyNotDebianRoot()
  if (reason !== undefined) return { available: false, reason }
  try {
    await prepare()
    return { available: true }
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

function whyNotDebianRoot(): string | undefined {
  if (process.platform !== 'linux') return 'what these tests need is installed on Debian only'
  if (process.getuid?.() !== 0) return 'what these tests need is installed and started by root only'
  if (debianRelease() === undefined) return 'what these tests need is installed on Debian only'
  return undefined
}

/** The code name of this machine's Debian release, `bookworm` say. */
export function debianRelease(): string | undefined {
  const release = osRelease()
  return release.get('ID') === 'debian' ? release.get('VERSION_CODENAME') : undefined
}

function osRelease(): ReadonlyMap<string, string> {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^(\w+)="?(.*?)"?$/gm)
    return new Map([...lines].map(([, name = '', value = '']) => [name, value]))
  } catch {
    return new Map()
  }
}
