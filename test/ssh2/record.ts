import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { TestContext } from 'node:test'
import * as holdfast from 'holdfast/ssh2'
import type { ReferenceServer } from '../servers/reference-server.js'

export type Library = Pick<typeof holdfast, 'Client' | 'utils' | 'BaseAgent' | 'OpenSSHAgent' | 'createAgent'>
export type Client = InstanceType<Library['Client']>

// The programs of these tests use what both have.
export const original = createRequire(import.meta.url)('ssh2') as Library
export const dropIn: Library = holdfast

/** What a program of ssh2 is given. */
export interface Stage {
  readonly ssh2: Library
  readonly config: holdfast.ConnectConfig
  /** Writes down what the program saw, in the order within one line of it. */
  readonly note: (line: string, ...values: readonly unknown[]) => void
  /** A client that is ready, and ended with the test. */
  readonly connect: (config?: holdfast.ConnectConfig) => Promise<Client>
}

/** How long one program may take, with one library: none of them waits for a limit of its own. */
const patienceMs = 30_000

/** Runs the same program with ssh2 and with the drop-in: what they show of the same server must be the same. */
export async function compare(
  t: TestContext,
  server: ReferenceServer,
  program: (stage: Stage) => Promise<void>,
): Promise<Record<string, readonly unknown[]>> {
  const theirs = await play(t, server, original, program)
  const ours = await play(t, server, dropIn, program)
  assert.deepEqual(ours, theirs)
  return ours
}

export async function configOf({ host, port, username, clientKeys }: ReferenceServer): Promise<holdfast.ConnectConfig> {
  const privateKey = await readFile(clientKeys.ed25519.privateKey)
  return { host, port, username, privateKey }
}

async function play(
  t: TestContext,
  server: ReferenceServer,
  ssh2: Library,
  program: (stage: Stage) => Promise<void>,
): Promise<Record<string, readonly unknown[]>> {
  const lines = new Map<string, unknown[]>()
  const config = await configOf(server)
  const note = (line: string, ...values: readonly unknown[]) => {
    const noted = lines.get(line) ?? []
    lines.set(line, noted)
    noted.push(values.length === 1 ? shown(values[0]) : values.map(shown))
  }
  const connect = (further: holdfast.ConnectConfig = {}) => ready(t, ssh2, { ...config, ...further })
  await within(program({ ssh2, config, note, connect }), `the program with ${ssh2 === original ? 'ssh2' : 'Holdfast'}`)
  return Object.fromEntries(lines)
}

/** A client that is ready, and ended with the test. */
export function ready(t: TestContext, ssh2: Library, config: holdfast.ConnectConfig): Promise<Client> {
  const client = new ssh2.Client()
  t.after(() => void client.destroy())
  return within(
    new Promise((resolve, reject) => {
      client.once('ready', () => resolve(client))
      client.once('error', reject)
      client.connect(config)
    }),
    'ready',
  )
}

/** @throws Error naming what did not come in time */
export async function within<T>(promise: Promise<T>, what: string, ms = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

type Call<T> = (callback: (error: Error | null | undefined, value: T) => void) => void

/** What a callback of the kind `(error, value)` brings: the value, or the error. */
export function outcome<T>(call: Call<T>): Promise<T | Error> {
  return new Promise((resolve) => call((error, result) => resolve(error ?? result)))
}

/** The same, where an error is none that the test expects. */
export async function value<T>(call: Call<T>): Promise<T> {
  const came = await outcome(call)
  if (came instanceof Error) throw came
  return came
}

/** As both libraries can show it: of an error what programs look at. */
function shown(seen: unknown): unknown {
  if (seen instanceof Error) {
    const { message } = seen
    const [level, code, reason, syscall] = ['level', 'code', 'reason', 'syscall'].map((name): unknown =>
      Reflect.get(seen, name),
    )
    return { message, level, code, reason, syscall }
  }
  if (Array.isArray(seen)) return seen.map(shown)
  if (Buffer.isBuffer(seen)) return seen.toString('latin1')
  if (typeof seen === 'object' && seen !== null) return JSON.parse(JSON.stringify(seen)) as unknown
  return seen
}
