import { join } from 'node:path'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { makeCertificate } from './certificate.js'
import { type Daemon, makeDaemonPlace, startDaemon } from './daemon.js'
import { requireTools } from './tools.js'
import { type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'
import { prepareLogins } from './users.js'

export interface MariadbServer extends Daemon {
  /** The certificate that it shows, for `localhost`, in PEM. */
  readonly certificate: string
  readonly user: string
  readonly password: string
}

const packages: PackageSet = {
  name: 'mariadb-10.11',
  suite: 'bookworm',
  packages: ['mariadb-server-core', 'mariadb-client-core'],
  baseline: 'machine',
}
const login = { user: 'app', password: 'correct horse' }

/** Unpacks a MariaDB: slow the first time, so call it before a test's clock runs. */
export const prepareMariadb: () => Promise<Availability> = preparation(async () => {
  await requireTools(['openssl', 'ssh-keygen'])
  await unpackPackages(packages)
  await prepareLogins()
})

/** Starts a MariaDB without a database, with a password, and TLS for whoever asks for it. */
export async function startMariadb(): Promise<MariadbServer> {
  requireAvailable(await prepareMariadb())
  const place = await makeDaemonPlace(unpackedRoot(packages))
  const { certificate, privateKey } = await makeCertificate()
  const data = join(place.directory, 'data')
  const base = [`--basedir=${join(place.root, 'usr')}`, `--datadir=${data}`]
  await place.run('usr/bin/mariadb-install-db', ['--no-defaults', ...base, '--skip-test-db', '--skip-name-resolve'])
  const statements = `CREATE USER '${login.user}'@'127.0.0.1' IDENTIFIED BY '${login.password}';
GRANT ALL ON *.* TO '${login.user}'@'127.0.0.1';
`
  const daemon = await startDaemon(place, {
    command: 'usr/sbin/mariadbd',
    args: [
      ...['--no-defaults', ...base, `--port=${place.port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
      ...[`--socket=${join(place.directory, 'socket')}`, `--init-file=${await place.write('init.sql', statements)}`],
      `--ssl-cert=${await place.write('certificate.pem', certificate)}`,
      `--ssl-key=${await place.write('key.pem', privateKey)}`,
      ...['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M'],
    ],
    isReady: (_pid, log) => log().includes('ready for connections'),
  })
  return { ...daemon, ...login, certificate }
}
