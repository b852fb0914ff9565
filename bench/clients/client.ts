/** What every client is to a workload, whoever wrote it. */
import { getHeapSpaceStatistics } from 'node:v8'

/** The columns of the report, in their order; the second is no client that anybody could use, but shows what is left to gain. */
export const clientNames = ['holdfast', 'bare', 'ssh2', 'ssh2-nodelay', 'ssh2-js', 'dev-tunnels', 'openssh'] as const

export type ClientName = (typeof clientNames)[number]

/** Those that people use. */
export const realClients: readonly ClientName[] = clientNames.filter((name) => name !== 'bare')

/** Where a client connects to, and as whom. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly username: string
  /** An Ed25519 key as ssh-keygen writes it. */
  readonly privateKeyFile: string
  /** An ECDSA key in PEM, for who reads no other. */
  readonly pemKeyFile: string
  /** The one cipher to offer, by its name in RFC 4253 or OpenSSH; a client without it takes its next of kin, or says so. */
  readonly cipher: string
}

export interface BenchClient {
  /** Whether one process holds any number of connections. */
  readonly inOneProcess: boolean
  /** Connects and authenticates. */
  connect(target: Target, options?: ConnectOptions): Promise<Connection>
  /** Connects, runs a command, closes. */
  once(target: Target, command: string): Promise<void>
  /** User and system time that the kernel has counted for this client so far. */
  cpuSeconds(): number
  /** Memory that is this client's alone, after garbage was collected. */
  memoryBytes(): number
}

export interface ConnectOptions {
  readonly keepaliveMs?: number
  /** Sessions that are open before they are asked for; only Holdfast has that. */
  readonly sessionsAhead?: number
}

export interface Connection {
  /** Runs a command to its end. @returns what it wrote */
  exec(command: string): Promise<string>
  execSideBySide(command: string, count: number): Promise<void>
  /** Runs a command and drops what it writes. @returns how many bytes that was, where the client's program can see it */
  receive(command: string): Promise<number | undefined>
  /** Runs a command and writes so many bytes to it. */
  send(command: string, bytes: number): Promise<void>
  /** Undefined where the client has no SFTP. */
  files(): Promise<Files | undefined>
  close(): Promise<void>
}

/** Small files that are in one folder, or come into one. */
export interface SmallFiles {
  readonly local: string
  readonly remote: string
  readonly names: readonly string[]
  /** What is in each. */
  readonly content: Buffer
}

export interface Files {
  get(remote: string, local: string): Promise<void>
  put(local: string, remote: string): Promise<void>
  getTree(remote: string, local: string): Promise<void>
  putTree(local: string, remote: string): Promise<void>
  /** One call a file, so many under way at once. @returns false where the client has no such way */
  getEach(files: SmallFiles, atOnce: number): Promise<boolean>
  putEach(files: SmallFiles, atOnce: number): Promise<boolean>
  close(): Promise<void>
}

/** Of this process: all its threads, Node's own included. */
export function ownCpuSeconds(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return (userCPUTime + systemCPUTime) / 1e6
}

/** Whether a collection at the last resort takes back the room for new objects: that of Node 20 does not. */
const givesYoungBack = !process.version.startsWith('v20.')

/**
 * Of this process, once what can be collected has been, and without the room that V8 has left in what it holds: the next
 * objects fill it, and so 100 connections seemed to take 11 KB each here and 29 there. Needs --expose-gc.
 */
export function ownMemoryBytes(): number {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc')
  if (!givesYoungBack) growYoungGeneration()
  // What one collection lets go of, another finds. With options that of Node 20 looks at new objects alone.
  for (let passes = 0; passes < 4; passes++) {
    if (givesYoungBack) globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    else globalThis.gc()
  }
  return process.memoryUsage.rss() - roomBytes()
}

function roomBytes(): number {
  const rooms = getHeapSpaceStatistics().map((space) => space.physical_space_size - space.space_used_size)
  return rooms.reduce((sum, bytes) => sum + Math.max(0, bytes), 0)
}

/**
 * V8 makes room for new objects as it sees fit, up to 32 MB, the more the busier a process was: that is no connection's. Where
 * no collection takes it back it is made as large as it gets, and so the same in each measurement.
 */
function growYoungGeneration(): void {
  const objects = 400_000
  const most = 20
  for (let pass = 0, before = -1; pass < most && youngBytes() > before; pass++) {
    before = youngBytes()
    for (let times = 0; times < 4; times++) Array.from({ length: objects }, (_, index) => ({ index }))
  }
}

function youngBytes(): number {
  const young = getHeapSpaceStatistics().filter(({ space_name: name }) => name === 'new_space')
  return young.reduce((sum, { physical_space_size: bytes }) => sum + bytes, 0)
}

/** Does something with each item, with so many under way at once. */
export async function forEach<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
