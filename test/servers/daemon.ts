import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { thisMachine } from './place.js'
import { listensOn } from './port.js'
import { type RunResult, run } from './run.js'
import { makeWorkplace, type Readiness, type Supervised, supervise, type Workplace } from './supervise.js'
import { libraryPath } from './unpack.js'
import { userIds } from './users.js'

/** What an SSH server leads to: a database, say. It runs as the test user, on this machine's loopback. */
export interface Daemon extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly pid: number
  log(): string
  stop(): Promise<void>
}

/** Where a daemon is about to run. */
export interface DaemonPlace {
  readonly workplace: Workplace
  /** The root into which its packages were unpacked. */
  readonly root: string
  /** The test user's own; removed when the daemon stops. */
  readonly directory: string
  readonly port: number
  /** Makes a file in the directory that the test user alone may read. @returns its path */
  write(name: string, text: string): Promise<string>
  /** Runs a program, named from the root, to its end as the test user. */
  run(program: string, args: readonly string[]): Promise<RunResult>
}

export interface DaemonProgram {
  /** Named from the root. */
  readonly command: string
  readonly args: readonly string[]
  /** @default it listens */
  readonly isReady?: Readiness
  /** Ends it in order first, where it would leave something behind if it were just killed. */
  readonly endSignal?: NodeJS.Signals
}

const endLimitMs = 5000

export async function makeDaemonPlace(root: string): Promise<DaemonPlace> {
  const workplace = await makeWorkplace()
  const directory = join(workplace.directory, 'own')
  const { uid, gid } = await userIds()
  await mkdir(directory)
  await chown(directory, uid, gid)
  return {
    workplace,
    root,
    directory,
    port: await thisMachine.freePort(),
    async write(name, text) {
      const path = join(directory, name)
      await writeFile(path, text, { mode: 0o600 })
      await chown(path, uid, gid)
      return path
    },
    async run(program, args) {
      const [command, ...all] = await asTestUser(join(root, program), args)
      return run(command, all, { env: environment(root, directory), cwd: directory })
    },
  }
}

export async function startDaemon(place: DaemonPlace, program: DaemonProgram): Promise<Daemon> {
  const { workplace, root, directory, port } = place
  const [command, ...args] = await asTestUser(join(root, program.command), program.args)
  const isReady = program.isReady ?? listensOn(port)
  const supervised = await supervise(workplace, { command, args, env: environment(root, directory) }, isReady)
  const stop = async (): Promise<void> => {
    if (program.endSignal !== undefined) await endInOrder(supervised, program.endSignal)
    await supervised.stop()
  }
  return {
    host: thisMachine.host,
    port,
    pid: supervised.pid,
    log: () => supervised.log(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function asTestUser(program: string, args: readonly string[]): Promise<[string, ...string[]]> {
  const { uid, gid } = await userIds()
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', program, ...args]
}

function environment(root: string, directory: string): Readonly<Record<string, string>> {
  return { LD_LIBRARY_PATH: libraryPath(root), LC_ALL: 'C', HOME: directory }
}

/** What has not ended by then is killed. */
async function endInOrder(program: Supervised, signal: NodeJS.Signals): Promise<void> {
  const giveUpAt = performance.now() + endLimitMs
  const isRunning = async (): Promise<boolean> => (await program.processes()).some(({ pid }) => pid === program.pid)
  if (await isRunning()) process.kill(program.pid, signal)
  while ((await isRunning()) && performance.now() < giveUpAt) await sleep(20)
}
