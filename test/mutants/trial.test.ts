import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mustRun } from './command.js'
import { Copies } from './copy.js'
import { parseMutant } from './mutant.js'
import { intoPage, summary } from './report.js'
import { type Fate, Trial, type Tried } from './trial.js'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const options = { seeds: 10, start: 1, limitMs: 60_000, signal: new AbortController().signal }

/** A project of one file, whose simulator prints a violation when the answer is not 42. */
const project = {
  'package.json': JSON.stringify({ type: 'module', scripts: { sim: 'node sim.mjs' } }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { composite: true, target: 'es2022', types: [] },
    include: ['src'],
  }),
  'src/kex/answer.ts': 'export const answer = 42\n\n// nobody looks here\nexport const question = 6\n',
  'sim.mjs': `import { answer } from './src/kex/answer.js'
if (answer !== 42) {
  console.log('seed 3: it says ' + answer)
  process.exit(1)
}
`,
}

describe('a trial', () => {
  let root: string
  let copies: Copies
  let trial: Trial

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-trial-'))
    await makeProject(root)
    copies = await Copies.make(root, options.signal)
    trial = new Trial(copies, options)
    await trial.prepare()
  })

  after(async () => {
    await copies.dropAll()
    await rm(root, { recursive: true, force: true })
  })

  it('tells a defect that is caught from one that survives', async () => {
    assert.deepEqual(await fateOf('answer = 42', 'answer = 41'), {
      kind: 'caught',
      by: 'simulator, seed 3: it says 41',
    })
    assert.deepEqual(await fateOf('question = 6', 'question = 7'), { kind: 'survived' })
  })

  it('fails a patch that does not apply, and a copy that does not build', async () => {
    assert.match(await whyOf('answer = 43', 'answer = 44'), /git apply .* ended with 1/)
    assert.match(await whyOf('answer = 42', 'answer: string = 42'), /tsc --build ended with \d: .*TS2322/s)
  })

  it('fails where a catcher cannot be run', async () => {
    assert.match(await whyOf('question = 6', 'question = 7', 'lab: 3\n'), /the lab has no row 3/)
  })

  it('leaves nothing of a patch behind', async () => {
    assert.deepEqual(await readdir(path.dirname(copies.unpatched)), ['unpatched'])
    assert.deepEqual((await readdir(root)).toSorted(), ['.git', 'node_modules', ...folders(project)].toSorted())
  })

  async function fateOf(from: string, to: string, header = ''): Promise<Fate> {
    const patch = path.join(await mkdtemp(path.join(root, '.git', 'patch-')), '01-answer.patch')
    const text = makePatch(from, to, header)
    await writeFile(patch, text)
    return trial.of(parseMutant(patch, text))
  }

  async function whyOf(from: string, to: string, header?: string): Promise<string> {
    const fate = await fateOf(from, to, header)
    return fate.kind === 'failed' ? fate.why : assert.fail(fate.kind)
  }
})

describe('a trial of a project', () => {
  it('does not begin where the simulator is missing, or fails without any patch', async () => {
    const { 'sim.mjs': _sim, ...others } = project
    await assert.rejects(prepare({ ...others, 'package.json': '{}' }), /has no script sim/)
    await assert.rejects(
      prepare({ ...project, 'sim.mjs': 'console.log("seed 7: no"); process.exit(1)' }),
      /the simulator fails without any patch: .*seed 7/,
    )
  })
})

const mutant = parseMutant('02-answer.patch', makePatch('answer = 42', 'answer = 41', ''))
const tried: readonly Tried[] = [
  { mutant, fate: { kind: 'caught', by: 'simulator, seed 7: a | b' } },
  { mutant, fate: { kind: 'survived' } },
]

describe('the list', () => {
  it('says of each what became of it, and counts', () => {
    const lines = summary(tried).split('\n')
    assert.equal(lines[0], '02-answer  caught by simulator, seed 7: a | b')
    assert.equal(lines[1], '02-answer  SURVIVED')
    assert.match(
      lines.at(-1) ?? '',
      /^2 mutants \(.*2 in kex.*2 written from src alone\): 1 caught, 1 survived, 0 failed/,
    )
  })

  it('takes its own place in a page, and no other', () => {
    const page = intoPage('# Verification\n\nBefore.\n', tried)
    assert.match(page, /^# Verification\n\nBefore\.\n\n## Deliberate defects\n/)
    assert.ok(page.includes('| 02 | The answer | kex | src alone | simulator, seed 7: a \\| b |'), page)
    const again = intoPage(`${page}\nAfter.\n`, tried.slice(0, 1))
    assert.ok(again.includes('1 caught, 0 survived'), again)
    assert.ok(!again.includes('1 survived'), again)
    assert.ok(again.startsWith('# Verification\n\nBefore.\n') && again.endsWith('\nAfter.\n'), again)
  })
})

async function prepare(files: Readonly<Record<string, string>>): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'holdfast-trial-'))
  const copies = await makeProject(root, files).then(() => Copies.make(root, options.signal))
  try {
    await new Trial(copies, options).prepare()
  } finally {
    await copies.dropAll()
    await rm(root, { recursive: true, force: true })
  }
}

async function makeProject(root: string, files: Readonly<Record<string, string>> = project): Promise<void> {
  await mkdir(path.join(root, 'src/kex'), { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(path.join(root, file), text)
  const git = (...args: string[]) => mustRun('git', args, { cwd: root, limitMs: 60_000, signal: options.signal })
  await git('init', '--quiet')
  await git('add', '.')
  await git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message', 'A project')
  await symlink(modules, path.join(root, 'node_modules'))
}

function folders(files: Readonly<Record<string, string>>): string[] {
  return [...new Set(Object.keys(files).map((file) => file.split('/')[0] ?? file))]
}

function makePatch(from: string, to: string, header: string): string {
  const line = `export const ${from}`
  const source = project['src/kex/answer.ts'].split('\n').slice(0, -1)
  // What does not stand in the source is given as if it stood in its first line.
  const changed = Math.max(0, source.indexOf(line))
  const diff = source.map((text, index) => (index === changed ? `-${line}\n+export const ${to}` : ` ${text}`))
  return `title: The answer
layer: kex
why it matters: it is the answer
written from: src alone
${header}
diff --git a/src/kex/answer.ts b/src/kex/answer.ts
--- a/src/kex/answer.ts
+++ b/src/kex/answer.ts
@@ -1,${source.length} +1,${source.length} @@
${diff.join('\n')}
`
}
