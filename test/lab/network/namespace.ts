import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { toolEnvironment } from '../../servers/environment.js'
import { onlyChild } from '../../servers/process-tree.js'
import { run } from '../../servers/run.js'

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  /** `null` if a signal ended it. */
  readonly code: number | null
}

/** A network, the processes in it and their mounts, apart from the machine's. Has no name, so nothing can clash with it. */
export interface Namespace {
  /** Its first process, as seen from outside; with it everything in there ends. */
  readonly pid: number
  /** Words that run the command after them inside. */
  readonly enter: readonly string[]
  /** Runs a command inside to its end, whatever its exit code. */
  run(command: readonly string[]): Promise<CommandResult>
  /** Starts a command inside, which ends with the namespace at the latest, and by `kill('SIGKILL')`. */
  start(command: readonly string[]): ChildProcessWithoutNullStreams
  /** Runs lines of sh(1) inside and returns what they say; throws with that when one fails. */
  script(lines: string): Promise<string>
  /** Everything that runs inside, its first process excepted, as seen from outside. */
  pids(): Promise<readonly number[]>
  /** Ends everything inside. */
  close(): Promise<void>
}

/** bash, since a first process must reap those whose parents have ended, and dash does not while it reads. */
const firstProcess = ['bash', '-c', 'echo held; read -r _']

/** Held open by our end of a pipe: when this process ends, however it does, the kernel ends everything inside. */
export async function openNamespace(): Promise<Namespace> {
  const unshare = ['--net', '--pid', '--mount', '--fork', '--kill-child', '--mount-proc', ...firstProcess]
  // In a session of its own: Ctrl-C in a terminal ends the test, and only the pipe's end then ends the namespace.
  const holder = spawn('unshare', unshare, { env: toolEnvironment, detached: true, stdio: 'pipe' })
  const closed = once(holder, 'close')
  holder.stdin.on('error', () => {})
  const complaint = text(holder.stderr)
  const held = once(holder.stdout, 'data').then(() => true)
  if (!(await Promise.race([held, closed.then(() => false)]))) throw new Error((await complaint).trim())

  const pid = await onlyChild(holder.pid ?? 0)
  const enter = ['nsenter', `--target=${pid}`, '--net', '--pid', '--mount', '--']
  return {
    pid,
    enter,
    // The child is nsenter(1): what it runs shall end with it.
    start: (command) => spawnIn(enter, ['setpriv', '--pdeathsig=KILL', ...command]),
    run: (command) => toItsEnd(spawnIn(enter, command)),
    async script(lines) {
      // The pid namespace is not entered: ip(8) finds the other hosts by pids as seen from here.
      const { stdout } = await run('nsenter', [`--target=${pid}`, '--net', '--mount', '--', 'sh', '-ec', lines])
      return stdout
    },
    pids: () => pidsBeside(pid),
    async close() {
      holder.stdin.end()
      await closed
    },
  }
}

function spawnIn(enter: readonly string[], command: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn('env', [...enter, ...command], { env: toolEnvironment, stdio: 'pipe' })
}

async function toItsEnd(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
  child.stdin.end()
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { stdout, stderr, code: child.exitCode }
}

async function pidsBeside(first: number): Promise<readonly number[]> {
  const namespace = await pidNamespace(first)
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(all.map(async (pid) => (await pidNamespace(pid)) === namespace))
  return all.filter((pid, index) => found[index] && pid !== first)
}

/** Empty when the process has ended meanwhile. */
function pidNamespace(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => '')
}
