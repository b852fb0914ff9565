import assert from 'node:assert/strict'
import { readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { entries, makeProgramFolder, runNode, runShell } from './program-folder.js'

const folder = makeProgramFolder()
const page = new URL('../../../docs/register.md', import.meta.url)
/** The register in a folder whose name has what NODE_OPTIONS has to quote. */
const quoted = path.join(folder.path, 'opt "of" ours')

before(() => {
  folder.installSsh2('node_modules')
  folder.link('holdfast')
  symlinkSync(path.dirname(entries.commonJs), quoted, 'junction')
  folder.write('child.cjs', "console.log(JSON.stringify(require('./served.cjs')(require('ssh2').Client)))")
  folder.write(
    'children.cjs',
    `const { fork, spawnSync, execFileSync } = require('node:child_process')
const path = require('node:path')
const child = path.join(__dirname, 'child.cjs')
const root = path.parse(__dirname).root
console.log(spawnSync(process.execPath, [child], { cwd: root, encoding: 'utf8' }).stdout.trim())
console.log(execFileSync(process.execPath, [child], { cwd: root, encoding: 'utf8', env: { ...process.env, MORE: '1' } }).trim())
fork(child, { cwd: root })`,
  )
  folder.write('options.cjs', 'console.log(JSON.stringify([process.env.NODE_OPTIONS, process.execArgv]))')
})
after(() => folder.remove())

describe('children that start in another folder', () => {
  const starts = {
    'of a program that names an absolute path': ['--require', entries.commonJs],
    'of one that names the ES module': ['--import', entries.module],
    'of one that names the package, which only resolves where it is installed': ['--import', 'holdfast/register'],
    'of one that names the package in one word': ['--require=holdfast/register'],
  }
  for (const [name, flags] of Object.entries(starts)) {
    test(`${name} have Holdfast's client`, async () => {
      const { status, stdout, stderr } = await runNode([...flags, 'children.cjs'], { cwd: folder.path })
      assert.equal(status, 0, stderr)
      assert.deepEqual(stdout.trim().split('\n'), ['true', 'true', 'true'], stderr)
    })
  }

  test('have it where NODE_OPTIONS names the package', async () => {
    const env = { NODE_OPTIONS: '--no-warnings --import=holdfast/register' }
    const { stdout, stderr } = await runNode(['children.cjs'], { cwd: folder.path, env })
    assert.deepEqual(stdout.trim().split('\n'), ['true', 'true', 'true'], stderr)
  })
})

async function inherited(nodeOptions: string | undefined, ...flags: string[]): Promise<unknown> {
  const env = nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }
  const { stdout, stderr } = await runNode([...flags, 'options.cjs'], { cwd: folder.path, env })
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

const posix = { skip: process.platform === 'win32' && 'a line of a POSIX shell' }

test('the line of docs/register.md that starts a program does it from anywhere', posix, async () => {
  const [line = ''] = /^NODE_OPTIONS="\$\(.*$/m.exec(readFileSync(page, 'utf8')) ?? []
  const command = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
  const here = line
    .replace('/opt/holdfast/node_modules/.bin/holdfast', `"$0" '${command}'`)
    .replace('node the-program.js', `"$0" '${path.join(folder.path, 'child.cjs')}'`)
  const ran = await runShell(here, { cwd: path.parse(folder.path).root })
  assert.deepEqual([ran.status, ran.stdout], [0, 'true\n'], ran.stderr)
})

describe('NODE_OPTIONS that children inherit', () => {
  const ours = `--require ${entries.commonJs}`
  const inQuotes = `--require "${path.join(quoted, 'register.cjs').replaceAll(/["\\]/g, '\\$&')}"`

  test('name the register first, and keep all else that they said', async () => {
    assert.deepEqual(await inherited(undefined, '--require', entries.commonJs), [ours, ['--require', entries.commonJs]])
    const [options] = (await inherited('--no-warnings --title="a \\"b\\" c"', '--import', entries.module)) as string[]
    assert.equal(options, `${ours} --no-warnings "--title=a \\"b\\" c"`)
  })

  test('name it once, and by the path that was given', async () => {
    assert.deepEqual(await inherited(`--no-warnings ${inQuotes}`), [`--no-warnings ${inQuotes}`, []])
    const [options] = (await inherited(inQuotes)) as string[]
    assert.deepEqual(await inherited(options), [options, []])
  })

  test('name the file of CommonJS in place of the ES module, which workers made of a string do not load', async () => {
    const asModule = inQuotes.replace('--require', '--import').replace('register.cjs', 'register.mjs')
    assert.deepEqual(await inherited(asModule), [inQuotes, []])
    assert.deepEqual(await inherited('--import=holdfast/register --no-warnings'), [`${ours} --no-warnings`, []])
  })

  test('keep what is not the register, though it is called so', async () => {
    folder.write('register.cjs', '')
    const own = '--require ./register.cjs'
    assert.deepEqual(await inherited(own, ...ours.split(' ')), [`${ours} ${own}`, ours.split(' ')])
  })
})
