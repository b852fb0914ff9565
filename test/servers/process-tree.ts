import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** The program's name, at most 15 characters. */
  readonly name: string
  /** The arguments joined by spaces, or what the process has put in their place. */
  readonly command: string
}

/** The environment variable by which processes that lost their parent are still known as a server's. */
export const markerVariable = 'HOLDFAST_TEST_SERVER'

/** All living processes below `root`, itself included, and those that carry the marker, whoever their parent is now. */
export async function processTree(root: number, marker: string): Promise<readonly ProcessInfo[]> {
  const all = await livingProcesses()
  const marked = await withMarker(all, marker)
  const found = new Set([root, ...marked.map(({ pid }) => pid)])
  for (let size = 0; size !== found.size; ) {
    size = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return all.filter(({ pid }) => found.has(pid))
}

export async function markedProcesses(marker: string): Promise<readonly ProcessInfo[]> {
  return withMarker(await livingProcesses(), marker)
}

/** The child of a process that has one, such as unshare(1) or nsenter(1). */
export async function onlyChild(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  if (!/^\d+ ?$/.test(children)) throw new Error(`process ${pid} has not one child but '${children}'`)
  return Number(children)
}

/** The children of a process by pid and name; none of one that has ended. All of them only while it is stopped: it does not fork then. */
export function childrenOf(pid: number): readonly Pick<ProcessInfo, 'pid' | 'name'>[] {
  const pids = readNow(`/proc/${pid}/task/${pid}/children`).match(/\d+/g) ?? []
  return pids.map((child) => ({ pid: Number(child), name: readNow(`/proc/${child}/comm`).trimEnd() }))
}

/** Does nothing where the process has ended meanwhile. */
export function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function readNow(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

async function livingProcesses(): Promise<readonly ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const infos = await Promise.all(pids.map((pid) => processInfo(Number(pid))))
  return infos.filter((info) => info !== undefined)
}

async function processInfo(pid: number): Promise<ProcessInfo | undefined> {
  // The name stands in parentheses and may hold anything, parentheses too: proc(5).
  const [, name = '', state = '', parent] = /^\d+ \((.*)\) (\w) (\d+)/s.exec(await readProcess(pid, 'stat')) ?? []
  if (parent === undefined || state === 'Z' || state === 'X') return undefined
  const command = (await readProcess(pid, 'cmdline')).replaceAll('\0', ' ').trim()
  return { pid, parent: Number(parent), name, command }
}

async function withMarker(processes: readonly ProcessInfo[], marker: string): Promise<readonly ProcessInfo[]> {
  const entry = `${markerVariable}=${marker}`
  const environments = await Promise.all(processes.map(({ pid }) => readProcess(pid, 'environ')))
  return processes.filter((_, index) => environments[index]?.split('\0').includes(entry))
}

/** Empty when the process has ended meanwhile, or is not ours to read. */
function readProcess(pid: number, file: 'stat' | 'cmdline' | 'environ'): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}
