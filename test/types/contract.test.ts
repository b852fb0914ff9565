// The public interface, as programs are written against it. What is checked here is checked by the compiler: a name that is
// gone, or that has another shape, fails the build. Nothing of these programs runs but the last test.
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import type { Duplex, Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import {
  Client,
  type Command,
  CommandError,
  type CommandExit,
  type CommandResult,
  type ConnectOptions,
  connect,
  type Delivery,
  type Dirent,
  type Duration,
  type Evidence,
  type ExecOptions,
  type FileHandle,
  type Forward,
  type ForwardStats,
  HoldfastError,
  type HostKeyOptions,
  type KeepaliveSettings,
  type LimitName,
  type Liveness,
  type RemoteState,
  type ScpOptions,
  type ScpPutOptions,
  type ScpResult,
  type Sftp,
  type SpawnOptions,
  type Stats,
  type TransferResult,
  type TransferTreeOptions,
  type Tunnel,
} from 'holdfast'

/** Whether two types are assignable to each other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
/** Fails to compile unless the type is `true`. */
type Holds<Claim extends true> = Claim

type ResultFields = 'command' | 'stdout' | 'stderr' | 'exitCode' | 'signal' | 'outputOpen' | 'durationMs'
type EvidenceFields = 'lastHeardMs' | 'probesSent' | 'probesUnanswered' | 'rttMs' | 'unsentBytes' | 'loopBlockedMs'

/** What is to be exactly so. */
export type Claims = [
  Holds<Same<Duration, number | string>>,
  Holds<Same<HostKeyOptions['policy'], 'strict' | 'accept-new' | 'off' | undefined>>,
  Holds<Same<ReturnType<NonNullable<HostKeyOptions['verify']>>, boolean | Promise<boolean>>>,
  Holds<Same<keyof NonNullable<ConnectOptions['limits']>, LimitName>>,
  Holds<ResultFields extends keyof CommandResult ? true : false>,
  Holds<Same<CommandResult['exitCode'], number | null>>,
  Holds<Same<CommandResult['signal'], string | null>>,
  Holds<ResultFields extends keyof CommandError ? true : false>,
  Holds<Same<RemoteState, 'not-started' | 'exited' | 'terminated' | 'killed' | 'abandoned' | 'unknown'>>,
  Holds<Same<Delivery, 'not-sent' | 'unknown' | 'ran'>>,
  Holds<Same<CommandError['delivery'], Delivery>>,
  Holds<Same<HoldfastError['delivery'], Delivery | undefined>>,
  Holds<Same<Liveness['state'], 'alive' | 'suspect' | 'dead'>>,
  Holds<Same<Liveness['bound'], number | null>>,
  Holds<Same<keyof Evidence, EvidenceFields>>,
  Holds<Same<HoldfastError['limit'], LimitName | undefined>>,
]

/** Every option of `connect()`. */
export const options = (signal: AbortSignal, stream: Duplex): ConnectOptions => ({
  host: 'host',
  port: 22,
  username: 'deploy',
  password: 'secret',
  privateKey: Buffer.alloc(0),
  identityFiles: ['~/.ssh/id_ed25519'],
  passphrase: 'secret',
  certificate: 'ssh-ed25519-cert-v01@openssh.com …',
  agent: '/run/agent',
  prompt: async ({ prompts }) => prompts.map(() => 'answer'),
  hostKey: {
    knownHosts: ['~/.ssh/known_hosts'],
    policy: 'accept-new',
    fingerprints: ['SHA256:…'],
    verify: ({ host, port, fingerprint }) => `${host}:${port}` === fingerprint,
  },
  algorithms: { kex: ['curve25519-sha256'], cipher: ['aes128-gcm@openssh.com'], mac: ['hmac-sha2-256'] },
  keepalive: { interval: '15s', countMax: 3, wantReply: true, tcp: { idle: '1m', interval: '10s', count: 3 } },
  limits: {
    connect: '20s',
    dns: '5s',
    tcp: '5s',
    identification: '5s',
    keyExchange: '5s',
    authentication: '5s',
    agent: '5s',
    prompt: '1m',
    channelOpen: '5s',
    reply: 5000,
    sftp: '5s',
    rekey: '5s',
    reconnect: false,
    channelClose: '250ms',
    close: '2s',
    timeout: '1h',
    idleTimeout: false,
    firstByteTimeout: '1m',
    stdinStall: false,
  },
  socket: { localAddress: '10.0.0.5', family: 4, noDelay: true },
  stream,
  reconnect: { minDelay: '500ms', maxDelay: '30s', maxTime: false, maxAttempts: 10 },
  signal,
})

/** What `keepalive` may be besides the parts of it. */
export const keepalives: readonly ConnectOptions['keepalive'][] = [
  false,
  { interval: false },
  { wantReply: false },
  { tcp: false },
  { countMax: 1, tcp: true },
]

export async function connects(signal: AbortSignal): Promise<Client> {
  await connect({ host: 'host' })
  await connect('ssh://deploy@host:22')
  return connect('deploy@host:22', { keepalive: false, limits: { connect: '20s' }, signal })
}

export async function executes(ssh: Client, signal: AbortSignal): Promise<string> {
  const everything: ExecOptions = {
    timeout: '15s',
    idleTimeout: '5s',
    firstByteTimeout: false,
    check: true,
    signal,
    env: { LANG: 'C' },
    pty: true,
    maxBuffer: 1024,
  }
  const {
    command,
    stdout,
    stderr,
    exitCode,
    signal: name,
    outputOpen,
    durationMs,
  } = await ssh.exec('uptime', everything)
  const bytes = await ssh.exec('uptime', { encoding: 'buffer' })
  bytes.stdout satisfies Buffer
  const inputs: readonly ExecOptions['stdin'][] = ['text', Buffer.alloc(1), createReadStream('file'), lines()]
  for (const stdin of inputs) await ssh.exec('cat', { stdin })
  return [command, stdout, stderr, exitCode, name, outputOpen, durationMs].join()
}

async function* lines(): AsyncGenerator<string> {
  yield 'line\n'
}

export async function spawns(ssh: Client): Promise<CommandExit> {
  const settings: SpawnOptions = { timeout: '1m', pty: { columns: 80, rows: undefined } }
  const commands: readonly Command[] = [
    await ssh.spawn('cat', settings),
    await ssh.shell({ pty: false }),
    await ssh.subsystem('sftp'),
  ]
  const [command] = commands
  if (command === undefined) throw new Error('unreachable')
  const streams: readonly [Writable, Readable, Readable] = [command.stdin, command.stdout, command.stderr]
  for (const stream of streams) stream.destroy()
  command.kill()
  command.kill('SIGTERM')
  command.resize({ columns: 80, rows: 24 })
  await command[Symbol.asyncDispose]()
  return command.exited
}

export async function tunnels(ssh: Client, signal: AbortSignal): Promise<readonly Forward[]> {
  const tunnel: Duplex = await ssh.connectTo({ host: 'host', port: 1 }, { signal, idleTimeout: '1m' })
  const other: Tunnel = await ssh.connectTo({ path: '/socket' }, { allowHalfOpen: false })
  other.setTimeout(1000).setNoDelay().setKeepAlive(true).ref().unref().connect(1, 'host').destroySoon()
  const forwards: readonly Forward[] = [
    await ssh.forwardLocal({ listen: { port: 1 }, to: { path: '/socket' }, signal }),
    await ssh.forwardRemote({ listen: { path: '/socket' }, to: { host: 'host', port: 1 }, idleTimeout: false }),
    await ssh.forwardDynamic(),
  ]
  for (const forward of forwards) {
    const port: number | undefined = forward.address.port
    forward.on('failure', (error, { remoteAddress }) => tunnel.destroy(new Error(`${error.code} ${remoteAddress}`)))
    const { open }: ForwardStats = forward.stats()
    const reason: HoldfastError = await forward.closed
    await forward.close()
    tunnel.write(`${port} ${open} ${forward.connections} ${reason.code}`)
  }
  return forwards
}

export async function keepsFiles(ssh: Client, signal: AbortSignal): Promise<readonly unknown[]> {
  const sftp: Sftp = await ssh.sftp({ signal })
  const handle: FileHandle = await sftp.open('file', 'w+', 0o600, { signal })
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(8), { offset: 1, length: 4, position: null, signal })
  const { bytesWritten } = await handle.write('text')
  await handle.write(buffer, 0, 4, 0)
  const whole: Buffer = await handle.readFile()
  const text: string = await sftp.readFile('file', 'utf8')
  const bytes: Buffer = await sftp.readFile(Buffer.from('file'), { signal })
  await sftp.writeFile('file', lines(), { mode: '600', flag: 'wx', signal })
  const streams: readonly [Readable, Writable] = [sftp.createReadStream('file'), handle.createWriteStream()]
  const names: readonly string[] = await sftp.readdir('.')
  const entries: readonly Dirent[] = await sftp.readdir('.', { withFileTypes: true })
  for await (const { name, stats } of await sftp.opendir('.')) console.log(name, stats.mtime)
  const { size, mtime }: Stats = await sftp.stat('file', { signal })
  const first: string | undefined = await sftp.mkdir('a/b', { recursive: true })
  await sftp.rm('a', { recursive: true, force: true })
  const transfer: TransferTreeOptions = {
    ...{ resume: true, verify: 'tail', atomic: true, preserve: false, concurrency: 4, signal },
    progress: ({ local, remote, bytes: sent, size: all, files }) => console.log(local, remote, sent, all, files),
  }
  const { files, directories, bytes: sent, resumed, skipped }: TransferResult = await sftp.put('dist', 'www', transfer)
  console.log(files, directories, sent, resumed, skipped, await sftp.get('www', 'dist'))
  const scpOptions: ScpOptions = { recursive: true, preserve: false, idleTimeout: '5s', signal, progress: () => {} }
  const { skipped: left }: ScpResult = await ssh.scp.put('dist', 'www', scpOptions)
  console.log(left, await ssh.scp.get('www', 'dist', { recursive: true }))
  await ssh.scp.put('run', 'run', { mode: 0o755 } satisfies ScpPutOptions)
  // @ts-expect-error -- what is fetched has the permissions that it has there
  await ssh.scp.get('run', 'run', { mode: 0o755 })
  // @ts-expect-error -- SCP has no resume
  await ssh.scp.get('www', 'dist', { resume: true })
  // @ts-expect-error -- node:fs has numbers here, whose meaning differs by system
  await sftp.open('file', 577)
  await sftp[Symbol.asyncDispose]()
  return [bytesRead, bytesWritten, whole, text, bytes, streams, names, entries, size, mtime, first]
}

export async function watches(ssh: Client, signal: AbortSignal): Promise<string> {
  ssh.on('liveness', ({ from, to, evidence }) => console.log(from, to, evidence))
  ssh.on('close', (reason: HoldfastError) => console.log(reason.code))
  ssh.on('banner', (text: string) => console.log(text))
  ssh.on('hostkeys', ({ keys }) => console.log(keys.length))
  // @ts-expect-error -- a client has no `error` event
  ssh.on('error', () => {})

  const { state, sinceMs, lastHeardMs, unanswered, rttMs, bound }: Liveness = ssh.liveness
  const answer = await ssh.keepalive.send({ timeout: '5s', signal })
  ssh.keepalive.configure({ interval: '5s' })
  const settings: KeepaliveSettings = ssh.keepalive.settings
  const { strictKex } = ssh.negotiated ?? {}
  return JSON.stringify([
    state,
    sinceMs,
    lastHeardMs,
    unanswered,
    rttMs,
    bound,
    answer,
    settings,
    strictKex,
    ssh.stats(),
  ])
}

export async function ends(ssh: Client): Promise<void> {
  ssh.unref().ref()
  await ssh.rekey()
  await ssh.close({ timeout: '1s' })
  await ssh[Symbol.asyncDispose]()
  const reason: HoldfastError = await ssh.closed
  console.log(reason)
}

export function explains(error: HoldfastError): readonly unknown[] {
  const { code, phase, host, limit, limitMs, elapsedMs, evidence, hint, cause } = error
  code satisfies `ERR_SSH_${string}` | 'ENOENT' | 'EACCES' | 'ENOTSUP'
  return [code, phase, host, limit, limitMs, elapsedMs, evidence, hint, cause]
}

/** What must not compile: a limit that would be no limit, a policy that nobody has. */
export const wrong: readonly ConnectOptions[] = [
  // @ts-expect-error -- connecting has no limit that is off
  { limits: { connect: false } },
  // @ts-expect-error -- misspelt
  { limits: { channelopen: '5s' } },
  // @ts-expect-error -- on is what it is by default
  { keepalive: true },
  // @ts-expect-error -- `yes` is `strict`
  { hostKey: { policy: 'yes' } },
  // @ts-expect-error -- the older name
  { user: 'deploy' },
]

test('a client has what its type says', () => {
  const methods = [
    'exec',
    'spawn',
    'shell',
    'subsystem',
    'sftp',
    'stats',
    'rekey',
    'close',
    'ref',
    'unref',
    Symbol.asyncDispose,
  ]
  const missing = methods.filter((name) => typeof Reflect.get(Client.prototype, name) !== 'function')
  assert.deepEqual(missing, [])
  for (const name of ['liveness', 'negotiated', 'closed', 'scp']) assert.ok(name in Client.prototype, name)
  assert.ok(Object.getPrototypeOf(CommandError) === HoldfastError)
})
