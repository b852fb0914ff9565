// What npm would publish, used as a stranger's program uses it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | object>
  dependencies: Record<string, string>
}
const entries = Object.keys(manifest.exports)
  .filter((entry) => !entry.endsWith('.json'))
  .map((entry) => entry.replace(/^\./, 'holdfast'))

function runNode(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000 })
}

function packedFiles(): string[] {
  const npm = { cwd: root, encoding: 'utf8', timeout: 60_000, shell: process.platform === 'win32' } as const
  const { stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], npm)
  assert.notEqual(stdout, '', stderr)
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>)
  return packed?.files.map((file) => file.path) ?? []
}

describe('the package', () => {
  const files = packedFiles()
  const program = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-package-')))

  before(() => {
    const modules = path.join(program, 'node_modules')
    for (const file of files) cpSync(path.join(root, file), path.join(modules, 'holdfast', file))
    for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) {
      mkdirSync(path.dirname(path.join(modules, name)), { recursive: true })
      symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name), 'junction')
    }
  })
  after(() => {
    rmSync(program, { recursive: true, force: true })
  })

  test('holds the compiled code and its sources, and nothing of tests and build', () => {
    const strangers = files.filter(
      (file) =>
        !/^(dist|src)\/.*\.([cm]?js|d\.[cm]?ts|[cm]?js\.map|[cm]?ts)$|^[A-Z]+(\.md)?$|^(package|policy\.schema)\.json$/.test(
          file,
        ),
    )
    assert.deepEqual(strangers, [])
    assert.ok(files.includes('LICENSE') && files.includes('README.md'))
  })

  test('has no fault that publint knows', () => {
    const { status, stdout } = runNode(root, 'node_modules/publint/src/cli.js', '--strict', '--pack=npm')
    assert.equal(status, 0, stdout)
  })

  test('can be imported', () => {
    writeFileSync(path.join(program, 'imports.mjs'), entries.map((entry) => `await import('${entry}')\n`).join(''))
    const { status, stderr } = runNode(program, 'imports.mjs')
    assert.equal(status, 0, stderr)
  })

  test('can be required: nothing that an export reaches awaits at its top level', () => {
    writeFileSync(path.join(program, 'requires.cjs'), entries.map((entry) => `require('${entry}')\n`).join(''))
    const { status, stderr } = runNode(program, 'requires.cjs')
    assert.equal(status, 0, stderr)
  })

  test('brings types that a strict program compiles against', () => {
    const source = entries.map((entry, index) => `export * as entry${index} from '${entry}'\n`).join('')
    writeFileSync(path.join(program, 'types.mts'), source)
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
    const { status, stdout } = runNode(
      program,
      path.join(root, 'node_modules/typescript/bin/tsc'),
      ...flags,
      'types.mts',
    )
    assert.equal(status, 0, stdout)
  })
})
