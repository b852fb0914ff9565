import { type Availability, preparation, requireAvailable } from './availability.js'
import { type Daemon, makeDaemonPlace, startDaemon } from './daemon.js'
import { requireTools } from './tools.js'
import { type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'
import { prepareLogins } from './users.js'

export interface RedisServer extends Daemon {
  readonly password: string
}

const packages: PackageSet = {
  name: 'redis-7.0',
  suite: 'bookworm',
  packages: ['redis-server', 'redis-tools'],
  baseline: 'machine',
}
const password = 'correct-horse'

/** Unpacks a Redis: slow the first time, so call it before a test's clock runs. */
export const prepareRedis: () => Promise<Availability> = preparation(async () => {
  await requireTools(['ssh-keygen'])
  await unpackPackages(packages)
  await prepareLogins()
})

/** Starts an empty Redis that writes nothing to the disk. */
export async function startRedis(): Promise<RedisServer> {
  requireAvailable(await prepareRedis())
  const place = await makeDaemonPlace(unpackedRoot(packages))
  const settings = {
    bind: '127.0.0.1',
    port: String(place.port),
    dir: place.directory,
    save: '',
    appendonly: 'no',
    requirepass: password,
  }
  const daemon = await startDaemon(place, {
    command: 'usr/bin/redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  })
  return { ...daemon, password }
}
