import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { programDirectories, toolEnvironment } from './environment.js'
import { markerVariable, onlyChild, type ProcessInfo, processTree } from './process-tree.js'

const supervisorPath = fileURLToPath(new URL('./supervisor.js', import.meta.url))
const startLimitMs = 30_000

export interface ServerProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Of the place where it runs: nsenter(1) and its arguments. It waits for the program as its child. */
  readonly enter?: readonly string[]
}

/** A server's own directory, and a mark by which its processes are known. */
export interface Workplace {
  readonly directory: string
  readonly logFile: string
  readonly marker: string
}

export async function makeWorkplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-server-'))
  // Users who log in read their authorized_keys here.
  await chmod(directory, 0o755)
  return { directory, logFile: join(directory, 'server.log'), marker: randomUUID() }
}

/** A program that runs until `stop()`, or until this process ends, whichever is first. */
export interface Supervised extends AsyncDisposable {
  /** Exists until `stop()`. */
  readonly directory: string
  readonly pid: number
  /** What the program has written so far; readable after `stop()` too. */
  log(): string
  /** The program's process and all that came of it and still lives. */
  processes(): Promise<readonly ProcessInfo[]>
  /** Ends the program and everything it started, and removes its directory. */
  stop(): Promise<void>
}

/** Asked again and again while a program starts. */
export type Readiness = (pid: number, log: () => string) => boolean

/** Starts a program and waits until `isReady` says so. */
export async function supervise(workplace: Workplace, program: ServerProgram, isReady: Readiness): Promise<Supervised> {
  const { directory, marker } = workplace
  const child = spawnSupervisor(workplace, program)
  const closed = once(child, 'close')
  let lastLog: string | undefined
  const log = (): string => lastLog ?? readLog(workplace.logFile)
  const stop = async (): Promise<void> => {
    lastLog ??= log()
    child.stdin.end()
    await closed
  }

  try {
    const started = await startedPid(child.stdout)
    await untilReady(started, () => isReady(started, log))
    const pid = program.enter?.length ? await onlyChild(started) : started
    return { directory, pid, log, stop, processes: () => processTree(pid, marker), [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw new Error(`${program.command} did not start\n${log()}`, { cause: error })
  }
}

/** In a session of its own: Ctrl-C in a terminal ends the test, and only the pipe's end then ends the server. */
function spawnSupervisor({ directory, logFile, marker }: Workplace, program: ServerProgram) {
  const environment = Object.entries({ PATH: programDirectories.join(':'), [markerVariable]: marker, ...program.env })
  const command = [
    ...(program.enter ?? []),
    'env',
    '-i',
    ...environment.map(([name, value]) => `${name}=${value}`),
    program.command,
    ...program.args,
  ]
  const args = [supervisorPath, directory, logFile, marker, ...command]
  return spawn(process.execPath, args, { env: toolEnvironment, detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
}

async function startedPid(output: Readable): Promise<number> {
  for await (const line of createInterface(output)) {
    if (/^\d+$/.test(line)) return Number(line)
    throw new Error(line)
  }
  throw new Error('the supervisor ended')
}

async function untilReady(pid: number, isReady: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + startLimitMs
  while (!isReady()) {
    if (!isAlive(pid)) throw new Error('it exited')
    if (performance.now() > giveUpAt) throw new Error(`it was not ready within ${startLimitMs} ms`)
    await sleep(10)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
