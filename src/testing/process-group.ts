/** All that a command started, told apart from strangers that get its numbers once it has ended. */
import { readdirSync, readFileSync } from 'node:fs'
import { type LocalProcess, signalGroup } from './local-process.js'

/** A number is given to another process sooner or later; with the time of the start it is one process's for ever. */
interface Member {
  readonly pid: number
  /** In ticks since the machine was started: field 22 of proc(5). */
  readonly startedAt: string
}

/**
 * The process group of a command. Its number cannot become anybody else's before Node.js has waited for the leader, nor
 * while a member lives. What the leader left running can be told only on Linux; elsewhere the group ends with its leader.
 */
export class ProcessGroup {
  readonly leader: number
  #isLed = true
  /** Those that the leader left running, as they were at the last look. */
  #left: readonly Member[] = []

  /** @param child must not have exited yet */
  constructor(child: LocalProcess, leader: number) {
    this.leader = leader
    child.once('exit', () => {
      this.#isLed = false
      this.#left = leftBehind(leader)
    })
  }

  /** Whether anything of it still runs. What was started since the last look belongs to it if one of those seen then lives. */
  isAlive(): boolean {
    if (this.#isLed) return true
    this.#left = this.#left.some(({ pid, startedAt }) => isLiving(pid, startedAt)) ? livingMembers(this.leader) : []
    return this.#left.length > 0
  }

  /** @param name without SIG */
  signal(name: string): void {
    if (this.isAlive()) signalGroup(this.leader, name)
  }
}

function leftBehind(leader: number): readonly Member[] {
  if (process.platform !== 'linux' || !hasMembers(leader)) return []
  const members = livingMembers(leader)
  // A leader that lives again is a stranger, which got the number before we heard of the exit.
  return members.some(({ pid }) => pid === leader) ? [] : members
}

/** Spares most commands the walk through /proc. */
function hasMembers(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

/**
 * The members of a process group that have not ended. The dead that nobody has waited for still count for kill(2); in a
 * container without an init they stay for ever.
 */
export function livingMembers(group: number): readonly Member[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(Number(name))
      return stat?.group === group ? [{ pid: Number(name), startedAt: stat.startedAt }] : []
    })
}

function isLiving(pid: number, startedAt: string): boolean {
  return statOf(pid)?.startedAt === startedAt
}

/** Of a process that has not ended. */
function statOf(pid: number): { readonly group: number; readonly startedAt: string } | undefined {
  try {
    // The name, field 2, stands in parentheses and may hold anything, parentheses too: proc(5).
    const [state = '', , group, ...later] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    const startedAt = later[22 - 6]
    return 'ZX'.includes(state) || startedAt === undefined ? undefined : { group: Number(group), startedAt }
  } catch {
    return undefined
  }
}
