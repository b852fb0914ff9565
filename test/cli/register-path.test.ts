import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeProgramFolder, runNode, runShell, whileReadOnly } from '../register/program-folder.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const run = (at: string) => runNode([at, 'policy', 'register-path'], { cwd: tmpdir() })

describe('holdfast policy register-path', { skip: process.platform === 'win32' && 'npm makes scripts there' }, () => {
  const folder = makeProgramFolder()
  /** What npm installs, with a name that each of the quotings has to do something for. */
  const installed = path.join(folder.path, `it's 100% "ours"`, 'node_modules')
  const command = path.join(installed, '.bin/holdfast')
  const file = path.join(installed, 'holdfast/dist/register/register.cjs')

  before(() => {
    folder.installSsh2('node_modules')
    folder.write('client.cjs', "new (require('ssh2').Client)()")
    for (const part of ['package.json', 'dist'])
      cpSync(path.join(root, part), path.join(installed, 'holdfast', part), { recursive: true })
    symlinkSync(path.join(root, 'node_modules'), path.join(installed, 'holdfast/node_modules'))
    mkdirSync(path.dirname(command))
    symlinkSync('../holdfast/dist/cli/main.js', command)
    chmodSync(folder.path, 0o755)
  })
  after(() => folder.remove())

  const serve = (NODE_OPTIONS: string) =>
    runNode(['client.cjs'], { cwd: folder.path, env: { NODE_OPTIONS, ...report } })
  const report = { HOLDFAST_REGISTER: 'report' }
  const isServed = /^ {2}ssh2 1\.17\.0 in .* has Holdfast's client$/m

  test('prints what NODE_OPTIONS takes, from an installation that nobody can write', async () => {
    await whileReadOnly(installed, async () => {
      const { status, stdout, stderr } = await run(command)
      assert.equal(status, 0, stderr)
      assert.equal(stdout, `--require "${file.replaceAll('"', '\\"')}"\n`)
      assert.match((await serve(stdout.trimEnd())).stderr, isServed)
    })
  })

  test('says how to use it: the line for a shell does what it says', async () => {
    const { stderr } = await run(command)
    const [, line = ''] = /^ {2}a shell {2}(.*)$/m.exec(stderr) ?? []
    const { stderr: reported } = await runShell(`${line}\nexec "$0" client.cjs`, { cwd: folder.path, env: report })
    assert.match(reported, isServed)
  })

  test('keeps a link on the way to it, which may lead to the next version one day', async () => {
    symlinkSync(path.dirname(installed), path.join(folder.path, 'current'))
    const { stdout } = await run(path.join(folder.path, 'current/node_modules/.bin/holdfast'))
    assert.equal(
      stdout,
      `--require ${path.join(folder.path, 'current/node_modules/holdfast/dist/register/register.cjs')}\n`,
    )
    assert.match((await serve(stdout.trimEnd())).stderr, isServed)
  })

  test('warns of a folder that other users cannot enter, and of the cache of npx', async () => {
    const cached = path.join(folder.path, '_npx')
    mkdirSync(cached)
    symlinkSync(installed, path.join(cached, 'node_modules'))
    chmodSync(installed, 0o700)
    try {
      const { stderr } = await run(path.join(cached, 'node_modules/.bin/holdfast'))
      assert.match(stderr, /\nWarning: \/.* is closed to other users/)
      assert.match(stderr, /\nWarning: this is the cache of npx/)
    } finally {
      chmodSync(installed, 0o755)
    }
  })
})
