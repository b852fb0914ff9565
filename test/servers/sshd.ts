import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { type KeySet, type KeyType, keyPool, keyTypes } from './keys.js'
import { type Place, thisMachine } from './place.js'
import { listensOn } from './port.js'
import { markerVariable } from './process-tree.js'
import { type ReferenceServer, referenceServer } from './reference-server.js'
import { run } from './run.js'
import { makeWorkplace, supervise, type Workplace } from './supervise.js'
import { requireTools } from './tools.js'
import { libraryPath, type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'
import { prepareLogins, testHome } from './users.js'

export type SshdVersion = '9.2' | '10'

/** Settings of sshd_config(5). A list makes one line each. */
export type SshdConfig = Readonly<Record<string, string | number | readonly string[]>>

export interface SshdOptions {
  readonly version: SshdVersion
  /** Where an earlier one listened, of a server that is started again. @default one that is free */
  readonly port?: number
  /** Laid over the defaults of these tests, which allow root and the test user, keys and password. */
  readonly config?: SshdConfig
  /** The keys it owns. @default all of `keyTypes` */
  readonly hostKeys?: readonly KeyType[]
  /** Shows certificates for its host keys besides. @default false */
  readonly hostCertificates?: boolean
  /** The text of authorized_keys. @default every client key without options */
  readonly authorizedKeys?: string
  /** Accepts the client keys' certificates. @default false */
  readonly userCertificates?: boolean
  /** Shown before authentication. */
  readonly banner?: string
}

export type SshdServer = ReferenceServer & {
  readonly hostKeys: KeySet
  /** For `@cert-authority`: path of the public key that signed the host certificates. */
  readonly hostAuthority: string
}

const packages = ['openssh-server', 'openssh-client', 'openssh-sftp-server']
const packageSets: Readonly<Record<SshdVersion, PackageSet>> = {
  '9.2': { name: 'openssh-9.2', suite: 'bookworm', packages, baseline: 'machine' },
  '10': { name: 'openssh-10', suite: 'bookworm-backports', packages, baseline: 'machine' },
}

const preparations: Readonly<Record<SshdVersion, () => Promise<Availability>>> = {
  '9.2': preparation(() => prepare('9.2')),
  '10': preparation(() => prepare('10')),
}

/** Unpacks an sshd and makes its users and keys: slow the first time, so call it before a test's clock runs. */
export function prepareSshd(version: SshdVersion): Promise<Availability> {
  return preparations[version]()
}

async function prepare(version: SshdVersion): Promise<void> {
  await requireTools(['ssh-keygen', 'ssh'])
  await unpackPackages(packageSets[version])
  await prepareLogins()
}

/** The names of the algorithms that an sshd can be configured to use. */
export async function knownToSshd(version: SshdVersion, query: 'kex' | 'cipher' | 'mac'): Promise<readonly string[]> {
  const root = unpackedRoot(packageSets[version])
  // ssh and sshd of one release are made of the same library.
  const { stdout } = await run(join(root, 'usr/bin/ssh'), ['-Q', query], {
    env: { LD_LIBRARY_PATH: libraryPath(root) },
  })
  return stdout.trim().split('\n')
}

/** What a release says of itself: `OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL …`. */
export async function openSshRelease(version: SshdVersion): Promise<string> {
  const root = unpackedRoot(packageSets[version])
  const { stderr } = await run(join(root, 'usr/bin/ssh'), ['-V'], { env: { LD_LIBRARY_PATH: libraryPath(root) } })
  return stderr
}

/** Starts an OpenSSH server on a free port, of loopback if no place is given. Throws where `prepareSshd()` said that it cannot. */
export async function startSshd(options: SshdOptions, place: Place = thisMachine): Promise<SshdServer> {
  requireAvailable(await prepareSshd(options.version))
  const { host, client, authorities } = await keyPool()
  const workplace = await makeWorkplace()
  const port = options.port ?? (await place.freePort())
  const configFile = join(workplace.directory, 'sshd_config')
  await writeFile(configFile, render(await settings(options, workplace, place, port)))
  const root = unpackedRoot(packageSets[options.version])
  const program = {
    command: join(root, 'usr/sbin/sshd'),
    args: ['-D', '-e', '-f', configFile],
    enter: place.enter,
    env: { LD_LIBRARY_PATH: libraryPath(root) },
  }
  const supervised = await supervise(workplace, program, listensOn(port))
  const identity = {
    name: `OpenSSH ${options.version}`,
    host: place.host,
    port,
    hostKeys: host,
    clientKeys: client.files,
  }
  return Object.assign(referenceServer(identity, supervised), { hostKeys: host, hostAuthority: authorities.host })
}

async function settings(options: SshdOptions, workplace: Workplace, place: Place, port: number): Promise<SshdConfig> {
  const { SetEnv: environment = [], ...config } = options.config ?? {}
  return {
    Port: port,
    ListenAddress: place.listenOn,
    PidFile: 'none',
    LogLevel: 'VERBOSE',
    UseDNS: 'no',
    UsePAM: 'no',
    StrictModes: 'no',
    PermitRootLogin: 'yes',
    PasswordAuthentication: 'yes',
    KbdInteractiveAuthentication: 'no',
    PrintMotd: 'no',
    PrintLastLog: 'no',
    // Tests connect often, and at once.
    MaxStartups: '200:30:300',
    AcceptEnv: 'LANG LC_*',
    ...programPaths(options.version),
    ...(await keySettings(options, workplace.directory)),
    ...config,
    // sshd takes the first SetEnv alone. The start-up files in root's own home may do anything, and take a minute.
    SetEnv: [`${markerVariable}=${workplace.marker}`, `HOME=${testHome}`, environment].flat().join(' '),
  }
}

function programPaths(version: SshdVersion): SshdConfig {
  const directory = join(unpackedRoot(packageSets[version]), 'usr/lib/openssh')
  const common = { Subsystem: `sftp ${join(directory, 'sftp-server')}` }
  if (version === '9.2') return common
  return {
    ...common,
    SshdSessionPath: join(directory, 'sshd-session'),
    SshdAuthPath: join(directory, 'sshd-auth'),
    // All tests come from one address.
    PerSourcePenalties: 'no',
  }
}

async function keySettings(options: SshdOptions, directory: string): Promise<SshdConfig> {
  const { host, client, authorities } = await keyPool()
  const owned = (options.hostKeys ?? keyTypes).map((type) => host[type])
  const inDirectory = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, text)
    return path
  }
  return {
    HostKey: owned.map((key) => key.privateKey),
    AuthorizedKeysFile: await inDirectory('authorized_keys', options.authorizedKeys ?? client.authorizedKeys),
    ...(options.hostCertificates && { HostCertificate: owned.map((key) => key.certificate) }),
    ...(options.userCertificates && { TrustedUserCAKeys: authorities.user }),
    ...(options.banner !== undefined && { Banner: await inDirectory('banner', options.banner) }),
  }
}

function render(config: SshdConfig): string {
  const lines = Object.entries(config).flatMap(([name, value]) => [value].flat().map((item) => `${name} ${item}\n`))
  return lines.join('')
}
