import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { withCacheLock } from './cache.js'
import { type KeyType, keyPool, secretsDirectory } from './keys.js'
import { type Place, thisMachine } from './place.js'
import { listensOn } from './port.js'
import { type ReferenceServer, referenceServer } from './reference-server.js'
import { run } from './run.js'
import { makeWorkplace, supervise } from './supervise.js'
import { requireTools } from './tools.js'
import { type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'
import { prepareLogins } from './users.js'

export type DropbearVersion = '2022.83' | '2025'

export interface DropbearOptions {
  readonly version: DropbearVersion
  /** Options of dropbear(8), such as `-c` with a forced command, `-b` with a banner's path, `-K 1`. */
  readonly args?: readonly string[]
  /** The keys it owns; it can have one ECDSA key only. @default ed25519, ecdsa and rsa */
  readonly hostKeys?: readonly KeyType[]
}

const common = {
  packages: ['dropbear-bin'],
  baseline: 'nothing',
  programs: ['usr/sbin/dropbear', 'usr/bin/dropbearconvert'],
} as const
const packageSets: Readonly<Record<DropbearVersion, PackageSet>> = {
  '2022.83': { name: 'dropbear-2022.83', suite: 'bookworm', ...common },
  '2025': { name: 'dropbear-2025', suite: 'trixie', ...common },
}

const preparations: Readonly<Record<DropbearVersion, () => Promise<Availability>>> = {
  '2022.83': preparation(() => prepare('2022.83')),
  '2025': preparation(() => prepare('2025')),
}

/** Unpacks a dropbear and makes its users and keys: slow the first time, so call it before a test's clock runs. */
export function prepareDropbear(version: DropbearVersion): Promise<Availability> {
  return preparations[version]()
}

async function prepare(version: DropbearVersion): Promise<void> {
  await requireTools(['patchelf', 'ssh', 'ssh-keygen'])
  await unpackPackages(packageSets[version])
  await prepareLogins()
  await convertHostKeys(version)
}

/**
 * Starts a dropbear on a free port, of loopback if no place is given. Only the test user can log in: dropbear reads authorized_keys
 * in the user's home, and root's home is not ours to change.
 */
export async function startDropbear(options: DropbearOptions, place: Place = thisMachine): Promise<ReferenceServer> {
  requireAvailable(await prepareDropbear(options.version))
  const { host, client } = await keyPool()
  const workplace = await makeWorkplace()
  const port = await place.freePort()
  const hostKeys = options.hostKeys ?? ['ed25519', 'ecdsa', 'rsa']
  const keys = hostKeys.flatMap((type) => ['-r', join(convertedKeys, type)])
  const program = {
    command: join(unpackedRoot(packageSets[options.version]), 'usr/sbin/dropbear'),
    // -F foreground, -E log to stderr, -m no message of the day, -e its environment for commands: they carry its mark.
    args: ['-F', '-E', '-m', '-e', '-p', `${place.listenOn}:${port}`, ...keys, ...(options.args ?? [])],
    enter: place.enter,
  }
  const supervised = await supervise(workplace, program, listensOn(port))
  const owned = Object.fromEntries(hostKeys.map((type) => [type, host[type]]))
  return referenceServer(
    { name: `dropbear ${options.version}`, host: place.host, port, hostKeys: owned, clientKeys: client.files },
    supervised,
  )
}

const convertedKeys = join(secretsDirectory, 'dropbear')

/** dropbear has a format of its own. */
async function convertHostKeys(version: DropbearVersion): Promise<void> {
  if (existsSync(convertedKeys)) return
  const { host } = await keyPool()
  const converter = join(unpackedRoot(packageSets[version]), 'usr/bin/dropbearconvert')
  await withCacheLock(async () => {
    if (existsSync(convertedKeys)) return
    const partial = `${convertedKeys}.partial`
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial)
    for (const [type, { privateKey }] of Object.entries(host)) {
      await run(converter, ['openssh', 'dropbear', privateKey, join(partial, type)])
    }
    await rename(partial, convertedKeys)
  })
}
