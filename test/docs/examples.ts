// The examples of README.md and docs/*.md: each block ```js or ```ts is a whole program, is compiled, and is run against an
// embedded server. A block that cannot be run says so behind its language: ```ts fragment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface Example {
  /** Where it stands, as `README.md:12`. */
  readonly place: string
  readonly language: 'js' | 'ts'
  readonly code: string
}

const fence = /^```(js|ts)\b([^\n]*)\n(.*?)^```$/gms

export function pagesWithExamples(root: string): string[] {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  return ['README.md', ...docs.filter((file) => file.endsWith('.md')).map((file) => path.posix.join('docs', file))]
}

export function examplesOf(page: string, contents: string): Example[] {
  return [...contents.matchAll(fence)].flatMap((match) => {
    const [, language, words = '', code = ''] = match
    if (words.trim() === 'fragment') return []
    const line = contents.slice(0, match.index).split('\n').length
    return [{ place: `${page}:${line}`, language: language === 'js' ? 'js' : 'ts', code }]
  })
}

/**
 * Compiles examples in a folder inside this package, from where they import `holdfast` as its users do, and points them at
 * the server on this port. Returns the modules to run, in the order of the examples; rejects with what the compiler says.
 */
export async function buildExamples(folder: string, examples: readonly Example[], port: number): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const example of examples) writeFileSync(path.join(folder, sourceName(example)), example.code)
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(compilerConfig))

  const compiled = await runNode([compiler, '--project', folder], folder)
  if (compiled.status !== 0) throw new Error(`an example does not compile:\n${compiled.output}`)
  return examples.map((example) => {
    const file = path.join(folder, 'run', sourceName(example).replace(/\.mts$/, '.mjs'))
    writeFileSync(file, redirected(readFileSync(file, 'utf8'), port))
    return file
  })
}

/** Runs one built example to its own end, with this home for its keys and known_hosts, and these further variables. */
export async function runExample(
  file: string,
  home: string,
  variables: NodeJS.ProcessEnv = {},
): Promise<{ status: number | null; output: string }> {
  const ofThisMachine = { SSH_AUTH_SOCK: undefined, NODE_TEST_CONTEXT: undefined }
  const env = { ...process.env, ...ofThisMachine, HOME: home, USERPROFILE: home, ...variables }
  return runNode([file], path.dirname(file), env)
}

const compiler = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
/** Strict, as the programs of most users are; not as strict as this package is with itself. */
const compilerConfig = {
  compilerOptions: {
    strict: true,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    rootDir: '.',
    outDir: 'run',
    allowJs: true,
    checkJs: true,
  },
  include: ['*.mts', '*.mjs'],
}

async function runNode(args: string[], cwd: string, env = process.env) {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status: child.exitCode, output: stdout + stderr }
}

/** The names that examples use for a server: `host`, and those of RFC 2606. */
const exampleHost = String.raw`(?:host|(?:[\w-]+\.)*example(?:\.(?:com|net|org))?)`

/** `'deploy@host'`, `'ssh://deploy@host:22'`, `host: 'host', port: 22` and `ssh2_connect('host', 22` become 127.0.0.1 and the port. */
export function redirected(code: string, port: number): string {
  return code
    .replaceAll(new RegExp(String.raw`'((?:ssh://)?[\w.-]+@)${exampleHost}(?::\d+)?'`, 'g'), `'$1127.0.0.1:${port}'`)
    .replaceAll(
      new RegExp(String.raw`\bhost: '${exampleHost}'(?:, port: \d+)?`, 'g'),
      `host: '127.0.0.1', port: ${port}`,
    )
    .replaceAll(new RegExp(String.raw`\bssh2_connect\('${exampleHost}', \d+`, 'g'), `ssh2_connect('127.0.0.1', ${port}`)
}

function sourceName({ place, language }: Example): string {
  return `${place.replaceAll(/[^\w]+/g, '-')}.m${language}`
}
