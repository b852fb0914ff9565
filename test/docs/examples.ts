// The examples of README.md and docs/*.md: each block ```js or ```ts is a whole program, is compiled, and is run against an
// embedded server. A block that cannot be run says so behind its language: ```ts fragment.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface Example {
  /** Where it stands, as `README.md:12`. */
  readonly place: string
  readonly language: 'js' | 'ts'
  readonly code: string
}

const fence = /^```(js|ts)([^\n]*)\n(.*?)^```$/gms

export function pagesWithExamples(root: string): string[] {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  return ['README.md', ...docs.filter((file) => file.endsWith('.md')).map((file) => path.posix.join('docs', file))]
}

export function examplesOf(page: string, text: string): Example[] {
  return [...text.matchAll(fence)].flatMap((match) => {
    const [, language, words = '', code = ''] = match
    if (words.trim() === 'fragment') return []
    const line = text.slice(0, match.index).split('\n').length
    return [{ place: `${page}:${line}`, language: language === 'js' ? 'js' : 'ts', code }]
  })
}

/** Writes examples as modules into a folder of this package, from where they import `holdfast` as its users do. */
export function writeExamples(folder: string, examples: readonly Example[]): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const example of examples) writeFileSync(path.join(folder, sourceName(example)), example.code)
  const compilerOptions = {
    rootDir: '.',
    outDir: 'run',
    allowJs: true,
    checkJs: true,
    composite: false,
    declaration: false,
    noUnusedLocals: false,
  }
  const config = { extends: '../../tsconfig.base.json', compilerOptions, include: ['*.mts', '*.mjs'] }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
}

/** Points a compiled example at the server on this port, whatever host it names. */
export function redirectExample(folder: string, example: Example, port: number): string {
  const file = path.join(folder, 'run', sourceName(example).replace(/\.mts$/, '.mjs'))
  writeFileSync(file, redirected(readFileSync(file, 'utf8'), port))
  return file
}

/** The names that examples use for a server: `host`, and those of RFC 2606. */
const exampleHost = String.raw`(?:host|(?:[\w-]+\.)*example(?:\.(?:com|net|org))?)`

/** `'deploy@host'`, `'deploy@host:22'`, `'ssh://deploy@host'` and `host: 'host', port: 22` become 127.0.0.1 and the port. */
export function redirected(code: string, port: number): string {
  return code
    .replaceAll(new RegExp(String.raw`'((?:ssh://)?[\w.-]+@)${exampleHost}(?::\d+)?'`, 'g'), `'$1127.0.0.1:${port}'`)
    .replaceAll(
      new RegExp(String.raw`\bhost: '${exampleHost}'(?:, port: \d+)?`, 'g'),
      `host: '127.0.0.1', port: ${port}`,
    )
}

function sourceName({ place, language }: Example): string {
  return `${place.replaceAll(/[^\w]+/g, '-')}.m${language}`
}
