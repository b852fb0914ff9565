// What npm would publish, used as a stranger's program uses it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeKey, missing } from './keys/openssh-tools.js'

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

/** By a key that bcrypt opens, in a thread that has a file of its own. */
const connects = `
import { readFileSync } from 'node:fs'
import { connect, HoldfastError } from 'holdfast'
import { startServer } from 'holdfast/testing'
import { Client } from 'holdfast/ssh2'

const server = await startServer({
  users: { deploy: { authorizedKeys: [readFileSync('key.pub', 'utf8')] } },
  exec: ({ stdout }) => void stdout.write('ran'),
})
const ssh = await connect({
  host: server.host,
  port: server.port,
  username: 'deploy',
  privateKey: readFileSync('key'),
  passphrase: 'secret',
  agent: false,
  hostKey: { fingerprints: [server.hostKey.fingerprint] },
})
const { stdout } = await ssh.exec('something')
const wrong = await connect({ host: 'nowhere.invalid', port: 0 }).catch((error) => error)
console.log(stdout, ssh.constructor.name, Client.name, wrong instanceof HoldfastError)
await ssh.close()
await server.close()
`

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
    const { status, stderr } = runNode(root, 'scripts/bundle.mjs', path.join(modules, 'holdfast'))
    assert.equal(status, 0, stderr)
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

  test('is loaded from few files', () => {
    const code = readdirSync(path.join(program, 'node_modules/holdfast/dist'), { recursive: true }).filter((file) =>
      String(file).endsWith('.js'),
    )
    assert.ok(code.length < 25, code.join(' '))
  })

  test('connects to its own server with an encrypted key', { skip: missing('ssh-keygen') }, () => {
    makeKey(program, 'key', '-t', 'ed25519', '-N', 'secret', '-a', '2')
    writeFileSync(path.join(program, 'connects.mjs'), connects)
    const { status, stdout, stderr } = runNode(program, 'connects.mjs')
    assert.deepEqual([status, stdout, stderr], [0, 'ran Client Client true\n', ''])
  })

  // The older one is what many programs were set to by Node 14, and checks declarations unless told not to.
  for (const target of ['es2022', 'es2020'])
    test(`brings types that a strict program for ${target} compiles against`, () => {
      const source = entries.map((entry, index) => `export * as entry${index} from '${entry}'\n`).join('')
      writeFileSync(path.join(program, 'types.mts'), source)
      const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', target, '--types', 'node']
      const { status, stdout } = runNode(
        program,
        path.join(root, 'node_modules/typescript/bin/tsc'),
        ...flags,
        'types.mts',
      )
      assert.equal(status, 0, stdout)
    })
})
