/** OpenSSH's own programs: a master connection for what runs on a warm one, and sftp(1) over it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { run } from '../../test/servers/run.js'
import type { BenchClient, Connection, ConnectOptions, Target } from './client.js'
import { SftpProgram } from './sftp-program.js'

export function openSsh(): BenchClient {
  const accounts = new Accounts()
  return {
    inOneProcess: false,
    cpuSeconds: () => accounts.seconds(),
    memoryBytes: () => accounts.bytes(),
    connect: (target, options) => connect(accounts, target, options),
    async once(target, command) {
      await run('ssh', [...settings(target), '-o', 'ControlPath=none', destination(target), command])
    },
  }
}

/** Time of processes that run, by the scheduler's account, and of those that have ended. */
export class Accounts {
  readonly #running = new Set<number>()
  #ended = 0

  watch(pid: number): void {
    this.#running.add(pid)
  }

  forget(pid: number): void {
    if (this.#running.delete(pid)) this.#ended += runSeconds(pid)
  }

  add(seconds: number): void {
    this.#ended += seconds
  }

  /** What all of them share, such as the program's code, is counted once. */
  bytes(): number {
    return [...this.#running].reduce((sum, pid) => sum + proportionalBytes(pid), 0)
  }

  seconds(): number {
    return [...this.#running].reduce((sum, pid) => sum + runSeconds(pid), this.#ended)
  }
}

/** All these programs have one thread. */
function runSeconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9
}

function proportionalBytes(pid: number): number {
  const [, kilobytes] = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

function settings({ port, privateKeyFile, cipher }: Target): readonly string[] {
  const all = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
    Ciphers: cipher,
  }
  return [
    ...['-F', 'none', '-i', privateKeyFile, '-o', `Port=${port}`],
    ...Object.entries(all).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ]
}

function destination({ username, host }: Target): string {
  return `${username}@${host}`
}

async function connect(accounts: Accounts, target: Target, { keepaliveMs }: ConnectOptions = {}): Promise<Connection> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const shared = [...settings(target), '-o', `ControlPath=${join(directory, 'master')}`]
  const keepalive = keepaliveMs === undefined ? [] : ['-o', `ServerAliveInterval=${keepaliveMs / 1000}`]
  // -f: it returns once it is authenticated, and lives on as the master.
  await run('ssh', [...shared, ...keepalive, '-M', '-N', '-f', '-o', 'ControlPersist=yes', destination(target)])
  const { stderr } = await run('ssh', [...shared, '-O', 'check', destination(target)])
  const master = Number(/pid=(\d+)/.exec(stderr)?.[1])
  accounts.watch(master)
  const command = (line: string): readonly string[] => [...shared, destination(target), line]

  return {
    exec: async (line) => (await run('ssh', command(line))).stdout,
    async execSideBySide(line, count) {
      const loop = `for ((i = 0; i < ${count}; i++)); do "$0" "$@" & done; wait`
      accounts.add(await timed(loop, 'ssh', command(line)))
    },
    async receive(line) {
      // The master gets this program's descriptors, and does all the work.
      await succeeded(spawn('ssh', command(line), { stdio: ['ignore', 'ignore', 'inherit'] }))
      return undefined
    },
    async send(line, bytes) {
      const file = join(directory, 'zeros')
      writeFileSync(file, '')
      truncateSync(file, bytes)
      const zeros = openSync(file, 'r')
      try {
        await succeeded(spawn('ssh', command(line), { stdio: [zeros, 'ignore', 'inherit'] }))
      } finally {
        closeSync(zeros)
      }
    },
    files: () => SftpProgram.start([...shared, destination(target)], accounts),
    async close() {
      accounts.forget(master)
      await run('ssh', [...shared, '-O', 'exit', destination(target)])
      rmSync(directory, { recursive: true })
    },
  }
}

/** @returns user and system seconds of a shell that runs `script`, and of all that it waits for */
async function timed(script: string, command: string, args: readonly string[]): Promise<number> {
  const shell = `TIMEFORMAT='cpu %3U %3S'; time { ${script}; }`
  const child = spawn('bash', ['-c', shell, command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const [said] = await Promise.all([text(child.stderr), succeeded(child)])
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(said) ?? []
  return Number(user) + Number(system)
}

async function succeeded(child: ChildProcess): Promise<void> {
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`${child.spawnargs.join(' ')}: exit code ${child.exitCode}`)
}
