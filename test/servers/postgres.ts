import { join } from 'node:path'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { makeCertificate } from './certificate.js'
import { type Daemon, makeDaemonPlace, startDaemon } from './daemon.js'
import { requireTools } from './tools.js'
import { type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'
import { prepareLogins } from './users.js'

export interface PostgresServer extends Daemon {
  readonly user: string
  readonly password: string
  readonly database: string
  /** Where it listens besides. */
  readonly socketPath: string
  /** The certificate that it shows, for `localhost`, in PEM. */
  readonly certificate: string
}

const packages: PackageSet = {
  name: 'postgresql-15',
  suite: 'bookworm',
  packages: ['postgresql-15'],
  baseline: 'machine',
}
const programs = 'usr/lib/postgresql/15/bin'
const login = { user: 'app', password: 'correct horse', database: 'postgres' }

/** Unpacks a PostgreSQL: slow the first time, so call it before a test's clock runs. */
export const preparePostgres: () => Promise<Availability> = preparation(async () => {
  await requireTools(['openssl', 'ssh-keygen'])
  await unpackPackages(packages)
  await prepareLogins()
})

/** Starts a PostgreSQL with an empty database, a password, and TLS for whoever asks for it. */
export async function startPostgres(): Promise<PostgresServer> {
  requireAvailable(await preparePostgres())
  const place = await makeDaemonPlace(unpackedRoot(packages))
  const { directory, port } = place
  const { certificate, privateKey } = await makeCertificate()
  const data = join(directory, 'data')
  await place.run(join(programs, 'initdb'), [
    ...['-D', data, '-U', login.user, '--pwfile', await place.write('password', login.password)],
    ...['--auth', 'scram-sha-256', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
  ])
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    ssl: 'on',
    ssl_cert_file: await place.write('certificate.pem', certificate),
    ssl_key_file: await place.write('key.pem', privateKey),
    fsync: 'off',
    // In its own directory, which goes with it.
    dynamic_shared_memory_type: 'mmap',
  }
  const daemon = await startDaemon(place, {
    command: join(programs, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // It listens before it lets anybody in.
    isReady: (_pid, log) => log().includes('ready to accept connections'),
    // Killed, it leaves a System V memory segment behind.
    endSignal: 'SIGINT',
  })
  return { ...daemon, ...login, socketPath: join(directory, `.s.PGSQL.${port}`), certificate }
}
