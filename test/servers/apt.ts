import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debianRelease } from './availability.js'
import { run } from './run.js'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** apt-get with sources and state of its own: it reads the machine's configuration and changes nothing of it. */
export interface PrivateApt {
  readonly archives: string
  get(...args: readonly string[]): Promise<void>
}

/** `machine`: dependencies that are installed need not be had again. `nothing`: all of them are, down to the C library. */
export type Baseline = 'machine' | 'nothing'

/** An apt that knows `suite`, and the machine's own suites if it builds upon what the machine has. */
export async function privateApt(directory: string, suite: string, baseline: Baseline): Promise<PrivateApt> {
  const lists = join(directory, 'lists')
  const archives = join(directory, 'archives')
  const sources = join(directory, 'sources.list')
  await mkdir(join(lists, 'partial'), { recursive: true })
  await mkdir(join(archives, 'partial'), { recursive: true })
  await writeFile(sources, (await sourceLines(suite, baseline)).join('\n') + '\n')
  const status = join(directory, 'status')
  await writeFile(status, '')
  const settings = {
    ...(baseline === 'nothing' && { 'Dir::State::Status': status }),
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': lists,
    'Dir::Cache::Archives': archives,
    'Dir::Cache::PkgCache': '',
    'Dir::Cache::SrcPkgCache': '',
    'Debug::NoLocking': 'true',
    // The sandbox user cannot write to directories of ours.
    'APT::Sandbox::User': 'root',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return {
    archives,
    async get(...args) {
      await run('apt-get', ['-q', '-y', ...options, ...args], { env: aptEnvironment })
    },
  }
}

export const aptEnvironment = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' } as const

/** The mirrors stand in the machine's configuration alone, which differs from machine to machine. */
async function sourceLines(suite: string, baseline: Baseline): Promise<readonly string[]> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)'
  const { stdout } = await run('apt-get', [
    'indextargets',
    '--no-release-info',
    '--format',
    format,
    'Created-By: Packages',
  ])
  const targets = [...new Set(stdout.trim().split('\n'))].map((line) => line.split(' '))
  const release = debianRelease()
  const [mirror] = targets.find(([, name, component]) => name === release && component === 'main') ?? []
  if (mirror === undefined) throw new Error(`apt has no source for ${release} main`)
  const isOwn = ([, name, component]: readonly string[]) => name?.startsWith(`${release}`) && component === 'main'
  const own = baseline === 'machine' ? targets.filter(isOwn) : []
  const options = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  return [...new Set([...own, [mirror, suite, 'main']].map((target) => `deb ${options}${target.join(' ')}`))]
}
