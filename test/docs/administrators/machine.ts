import { type ChildProcessWithoutNullStreams, execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type CommandResult, openNamespace } from '../../lab/network/namespace.js'
import { programDirectories } from '../../servers/environment.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
/** What the page writes to, and what npm does. */
const ownDirectories = ['etc', 'opt', 'root', 'srv', 'usr', 'var']
const npmSettings = {
  npm_config_registry: 'http://127.0.0.1:4873',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
}
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

export interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly user?: 'root' | 'nobody'
}

/**
 * What a page may do as root without a trace: the files of this machine, of which some can be written without being changed,
 * with a network of its own, in which there are a registry that has this package and two SSH servers.
 */
export interface Machine {
  /** Runs lines of sh(1) to their end, or to that of the first which fails, in an environment that is empty but for what is given. */
  shell(lines: string, options?: ShellOptions): Promise<CommandResult>
  /** The same; throws with what they say when one fails. */
  mustRun(lines: string, options?: ShellOptions): Promise<CommandResult>
  /** Puts other servers in the place of those that are there, with keys of their own. */
  restartServers(): Promise<void>
  close(): Promise<void>
}

/** This package and what it depends on, as npm publishes them. */
export async function packArchives(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-registry-'))
  const packages = [root, ...dependenciesOf(root, new Set())]
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...packages]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: folder, maxBuffer: 2 ** 26 })
  const packed = JSON.parse(stdout) as readonly { readonly name: string; readonly filename: string }[]
  for (const { name, filename } of packed) {
    const from = name === 'holdfast' ? root : path.join(root, 'node_modules', name)
    copyFileSync(path.join(from, 'package.json'), path.join(folder, `${filename}.json`))
  }
  return folder
}

function dependenciesOf(folder: string, found: Set<string>): readonly string[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    readonly dependencies?: Readonly<Record<string, string>>
  }
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const dependency = path.join(root, 'node_modules', name)
    if (found.has(dependency)) continue
    found.add(dependency)
    dependenciesOf(dependency, found)
  }
  return [...found]
}

export async function openMachine(archives: string): Promise<Machine> {
  const layers = mkdtempSync(path.join(tmpdir(), 'holdfast-machine-'))
  const namespace = await openNamespace()
  await namespace.script(
    ['ip link set lo up', `mount -t tmpfs tmpfs ${layers}`, ...ownDirectories.map(overlay(layers))].join('\n'),
  )

  const start = async (name: string, ...args: string[]): Promise<ChildProcessWithoutNullStreams> => {
    const program = fileURLToPath(new URL(name, import.meta.url))
    const child = namespace.start([process.execPath, program, ...args])
    const said: unknown[] = await once(child.stdout, 'data')
    if (!String(said[0]).startsWith('listening')) throw new Error(String(said[0]))
    return child
  }
  await start('./registry-program.js', archives)
  let servers = await start('./server-program.js')
  await namespace.script(`[ ${process.execPath} -ef /usr/bin/node ] || cp --remove-destination ${process.execPath} /usr/bin/node
echo 127.0.0.1 db.example.com >> /etc/hosts`)

  const shell: Machine['shell'] = (lines, { env = {}, cwd = '/', user = 'root' } = {}) => {
    const variables = {
      PATH: [path.dirname(process.execPath), ...programDirectories].join(':'),
      HOME: '/root',
      ...npmSettings,
      ...env,
    }
    const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    const command = ['env', '-i', '-C', cwd, ...assignments, ...(user === 'nobody' ? nobody : []), 'sh', '-ec', lines]
    return namespace.run(command)
  }
  return {
    shell,
    async mustRun(lines, options) {
      const result = await shell(lines, options)
      if (result.code === 0) return result
      throw new Error(`exit code ${result.code} of\n${lines}\n${result.stderr}${result.stdout}`)
    },
    async restartServers() {
      servers.kill('SIGKILL')
      await once(servers, 'close')
      servers = await start('./server-program.js')
    },
    async close() {
      await namespace.close()
      rmSync(layers, { recursive: true })
    },
  }
}

/** Below is what this machine has; what is written goes above it. */
function overlay(layers: string): (directory: string) => string {
  return (directory) => {
    const upper = `${layers}/${directory}/upper`
    const work = `${layers}/${directory}/work`
    return `mkdir -p ${upper} ${work}
mount -t overlay overlay -o lowerdir=/${directory},upperdir=${upper},workdir=${work} /${directory}`
  }
}
