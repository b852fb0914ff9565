import type { KeySet } from './keys.js'
import type { ProcessInfo } from './process-tree.js'
import type { Supervised } from './supervise.js'
import { testUser, testUserPassword } from './users.js'

/** What every reference server is to a test, whoever wrote it. */
export interface ReferenceServer extends AsyncDisposable {
  /** For the names of tests: `OpenSSH 9.2`. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** The process that listens. */
  readonly pid: number
  /** Its configuration and log; removed by `stop()`. */
  readonly directory: string
  readonly hostKeys: Partial<KeySet>
  /** Each of these logs in as `username`. */
  readonly clientKeys: KeySet
  /** An ordinary user. */
  readonly username: string
  readonly password: string
  log(): string
  /** Everything that runs because of this server, also commands that outlived their connection. */
  processes(): Promise<readonly ServerProcess[]>
  stop(): Promise<void>
}

export interface ServerProcess extends ProcessInfo {
  /** `connection`: one of the processes that serve one connection; `command`: started for a user. */
  readonly role: 'listener' | 'connection' | 'command'
}

interface Identity {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly hostKeys: Partial<KeySet>
  readonly clientKeys: KeySet
}

const daemonNames = new Set(['sshd', 'sshd-session', 'sshd-auth', 'dropbear'])

export function referenceServer(identity: Identity, program: Supervised): ReferenceServer {
  return {
    ...identity,
    pid: program.pid,
    directory: program.directory,
    username: testUser,
    password: testUserPassword(),
    log: () => program.log(),
    stop: () => program.stop(),
    [Symbol.asyncDispose]: () => program.stop(),
    async processes() {
      return (await program.processes()).map((info) => ({ ...info, role: roleOf(info, program.pid) }))
    },
  }
}

function roleOf(info: ProcessInfo, listener: number): ServerProcess['role'] {
  if (info.pid === listener) return 'listener'
  return isDaemon(info) ? 'connection' : 'command'
}

/** Whether it is a process of the server itself, and not one that it started for a user. */
export function isDaemon({ name }: Pick<ProcessInfo, 'name'>): boolean {
  return daemonNames.has(name)
}
