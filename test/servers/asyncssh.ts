import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { type KeyPool, type KeyType, keyPool, keyTypes } from './keys.js'
import { freePort, listensOn } from './port.js'
import { type ReferenceServer, referenceServer } from './reference-server.js'
import { run } from './run.js'
import { makeWorkplace, supervise, type Workplace } from './supervise.js'
import { installPackages, requireTools } from './tools.js'
import { prepareLogins, testUserPassword } from './users.js'

export type AsyncsshMethod = 'publickey' | 'password' | 'keyboard-interactive'

/** One information request of RFC 4256, with the answers that the server accepts. */
export interface KeyboardInteractiveRound {
  readonly name: string
  readonly instructions: string
  readonly prompts: readonly { readonly text: string; readonly echo: boolean; readonly answer: string }[]
}

export interface AsyncsshOptions {
  /** Keyword arguments of `asyncssh.listen()`: `kex_algs`, `encryption_algs`, `mac_algs`, `rekey_bytes`, `keepalive_interval`, … */
  readonly config?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** @default all of `keyTypes` */
  readonly hostKeys?: readonly KeyType[]
  /** Shows certificates for its host keys too. @default false */
  readonly hostCertificates?: boolean
  /** The text of authorized_keys. @default every client key, and certificates signed by the users' authority */
  readonly authorizedKeys?: string
  /** @default publickey and password, and keyboard-interactive where there are `rounds` */
  readonly methods?: readonly AsyncsshMethod[]
  readonly rounds?: readonly KeyboardInteractiveRound[]
  /** Answers the right password with SSH_MSG_USERAUTH_PASSWD_CHANGEREQ and this prompt. */
  readonly passwordChange?: string
  /** Who is let in by the method `none`. */
  readonly usersWithoutAuthentication?: readonly string[]
  /** 2 logs requests, 3 packets. @default 1 */
  readonly debugLevel?: 1 | 2 | 3
}

/** What asyncssh-server.py reads. */
interface ServerTask {
  readonly port: number
  /** Paths of a private key and its certificate, or null. */
  readonly hostKeys: readonly (readonly [key: string, certificate: string | null])[]
  readonly authorizedKeys: string
  readonly methods: readonly AsyncsshMethod[]
  readonly password: string
  readonly rounds: readonly KeyboardInteractiveRound[]
  readonly passwordChange: string | null
  readonly usersWithoutAuthentication: readonly string[]
  readonly config: NonNullable<AsyncsshOptions['config']>
  readonly debugLevel: number
}

/** Debian's own: the one that Debian's modules belong to, whatever else is on PATH. */
const python = '/usr/bin/python3'
/** Python is not compiled, so it stays where the sources are. */
const script = fileURLToPath(new URL('../../../test/servers/asyncssh-server.py', import.meta.url))

/** Installs AsyncSSH and makes users and keys: slow the first time, so call it before a test's clock runs. */
export const prepareAsyncssh: () => Promise<Availability> = preparation(async () => {
  await requireTools(['ssh', 'ssh-keygen'])
  if (!(await canImport())) await installPackages(['python3-asyncssh'])
  await prepareLogins()
})

async function canImport(): Promise<boolean> {
  try {
    await run(python, ['-W', 'ignore', '-c', 'import asyncssh'])
    return true
  } catch {
    return false
  }
}

/** Starts a server that is written in Python: one process serves all connections. Root and the test user can log in. */
export async function startAsyncssh(options: AsyncsshOptions = {}): Promise<ReferenceServer> {
  requireAvailable(await prepareAsyncssh())
  const pool = await keyPool()
  const workplace = await makeWorkplace()
  const port = await freePort()
  const task = await serverTask(options, pool, workplace, port)
  const program = { command: python, args: ['-u', script, JSON.stringify(task)] }
  const supervised = await supervise(workplace, program, listensOn(port))
  const identity = { name: 'AsyncSSH', host: '127.0.0.1', port, hostKeys: pool.host, clientKeys: pool.client.files }
  return referenceServer(identity, supervised)
}

async function serverTask(
  options: AsyncsshOptions,
  pool: KeyPool,
  workplace: Workplace,
  port: number,
): Promise<ServerTask> {
  const authorizedKeys = join(workplace.directory, 'authorized_keys')
  await writeFile(authorizedKeys, options.authorizedKeys ?? (await defaultAuthorizedKeys(pool)))
  const rounds = options.rounds ?? []
  const owned = (options.hostKeys ?? keyTypes).map((type) => pool.host[type])
  return {
    port,
    hostKeys: owned.map((key) =>
      options.hostCertificates ? [key.privateKey, key.certificate] : [key.privateKey, null],
    ),
    authorizedKeys,
    methods: options.methods ?? [
      'publickey',
      'password',
      ...(rounds.length > 0 ? (['keyboard-interactive'] as const) : []),
    ],
    password: testUserPassword(),
    rounds,
    passwordChange: options.passwordChange ?? null,
    usersWithoutAuthentication: options.usersWithoutAuthentication ?? [],
    config: options.config ?? {},
    debugLevel: options.debugLevel ?? 1,
  }
}

async function defaultAuthorizedKeys(pool: KeyPool): Promise<string> {
  const authority = await readFile(pool.authorities.user, 'utf8')
  return `${pool.client.authorizedKeys}cert-authority ${authority}`
}
