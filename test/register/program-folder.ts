import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** What a program's NODE_OPTIONS name. */
export const entries = {
  commonJs: path.join(root, 'dist/register/register.cjs'),
  module: path.join(root, 'dist/register/register.mjs'),
}
export const dropIn = path.join(root, 'dist/ssh2/index.js')

/** Says whether a `Client` makes Holdfast's. */
const served = `module.exports = (Client) => Object.getPrototypeOf(new Client()) === require(${JSON.stringify(dropIn)}).Client.prototype`

/** A folder of programs, outside this package, with the libraries that they have installed. */
export interface ProgramFolder {
  readonly path: string
  write(name: string, text: string): string
  /** The package ssh2, all of it, in this folder of packages, with what it needs beside it. */
  installSsh2(modules: string): void
  /** A package of that name whose main file holds this text. */
  installPackage(folder: string, manifest: object, files: Readonly<Record<string, string>>): void
  /** The package as it is in this repository's own node_modules, and what it needs with it. */
  link(name: string): void
  remove(): void
}

export function makeProgramFolder(): ProgramFolder {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-register-')))
  const write = (name: string, contents: string) => {
    const file = path.join(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, contents)
    return file
  }
  const linkInto = (modules: string, name: string) => {
    mkdirSync(path.join(folder, modules), { recursive: true })
    const target = name === 'holdfast' ? root : path.join(root, 'node_modules', name)
    symlinkSync(target, path.join(folder, modules, name), 'junction')
  }
  write('served.cjs', served)
  return {
    path: folder,
    write,
    installSsh2(modules) {
      const from = path.join(root, 'node_modules/ssh2')
      for (const part of ['package.json', 'lib'])
        cpSync(path.join(from, part), path.join(folder, modules, 'ssh2', part), { recursive: true })
      for (const name of ['asn1', 'bcrypt-pbkdf', 'safer-buffer', 'tweetnacl']) linkInto(modules, name)
    },
    installPackage(at, manifest, files) {
      write(path.join(at, 'package.json'), JSON.stringify(manifest))
      for (const [name, contents] of Object.entries(files)) write(path.join(at, name), contents)
    },
    link: (name) => linkInto('node_modules', name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** All that is in the folder, and the folder; what is behind a link is another's. */
export function ownFiles(folder: string): string[] {
  const within = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(folder, entry.name)
    if (entry.isDirectory()) return ownFiles(at)
    return entry.isFile() ? [at] : []
  })
  return [folder, ...within]
}

/** Lets nobody but root write there, while this runs. */
export async function whileReadOnly(folder: string, work: () => Promise<void>): Promise<void> {
  const modes = ownFiles(folder).map((file) => [file, statSync(file).mode] as const)
  for (const [file, mode] of modes) chmodSync(file, mode & 0o555)
  try {
    await work()
  } finally {
    for (const [file, mode] of modes) chmodSync(file, mode)
  }
}

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly node?: string
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
}

/** Far beyond what any of these programs takes, on a machine that is busy with ten others. */
const patienceMs = 90_000

/** The environment of the tests, without what it says of Node and of Holdfast. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|HOLDFAST)/.test(name)))
}

/** Runs Node with these arguments to its own end, in an environment that says nothing of Holdfast but what is given. */
export function runNode(args: readonly string[], { node = process.execPath, ...options }: RunOptions): Promise<Ran> {
  return run(node, args, options)
}

/** The same for lines of a POSIX shell, which has Node in `$0`. */
export function runShell(lines: string, { node = process.execPath, ...options }: RunOptions): Promise<Ran> {
  return run('/bin/sh', ['-c', lines, node], options)
}

async function run(command: string, args: readonly string[], { cwd, env }: RunOptions): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env: { ...quietEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs,
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status: child.exitCode, stdout, stderr }
}

/** The Node that runs this, and those that HOLDFAST_TEST_NODES names, as a PATH does. */
export function nodes(): string[] {
  const others = (process.env['HOLDFAST_TEST_NODES'] ?? '').split(path.delimiter).filter((node) => node !== '')
  return [process.execPath, ...others]
}
